import type { TokenId } from "../tokenizer.ts";
import { withRoom } from "../with-room.ts";

/** Stands between the words. */
export const BORDER = -1;
/** A place that has become part of the token that begins further left. */
const INSIDE = -2;

/**
 * The words as the tokens that they are made of so far, in one row of places with a border around each word. A token
 * lies at the first of the places that it covers; its span, noted at the first and the last of them, leads to its
 * neighbours.
 */
export class WordSymbols {
  length = 1;
  ids: Int32Array = new Int32Array(2 ** 16).fill(BORDER, 0, 1);
  /** At each place of a word, how often the word occurs. */
  weights: Float64Array = new Float64Array(2 ** 16);
  private spans = new Int32Array(2 ** 16).fill(1, 0, 1);

  /** Adds a word made of `ids` that occurs `weight` times. */
  add(ids: Int32Array, weight: number): void {
    const end = this.length + ids.length + 1;
    this.ids = withRoom(this.ids, end);
    this.weights = withRoom(this.weights, end);
    this.spans = withRoom(this.spans, end);
    this.ids.set(ids, this.length);
    this.ids[end - 1] = BORDER;
    this.weights.fill(weight, this.length, end - 1);
    this.spans.fill(1, this.length, end);
    this.length = end;
  }

  /** Where the next token or border is. */
  after(place: number): number {
    return place + (this.spans[place] as number);
  }

  /** Where the token or border before is. */
  before(place: number): number {
    return place - (this.spans[place - 1] as number);
  }

  /** Makes one token of the tokens at `place` and after it. */
  join(place: number, merged: TokenId): void {
    const second = this.after(place);
    const end = this.after(second);
    this.ids[place] = merged;
    this.ids[second] = INSIDE;
    this.spans[place] = end - place;
    this.spans[end - 1] = end - place;
  }
}
