import type { TokenId } from "../tokenizer.ts";

/** A vocabulary in the making: spelling ↔ id, ids given in the order of arrival, after those that are reserved. */
export class Vocabulary {
  readonly ids: Map<string, TokenId> = new Map();
  private readonly spellings: (string | undefined)[];

  constructor(numReserved = 0) {
    this.spellings = new Array(numReserved).fill(undefined);
  }

  get size(): number {
    return this.spellings.length;
  }

  /** The id of a spelling, the next free one if it is new. */
  add(spelling: string): TokenId {
    const known = this.ids.get(spelling);
    if (known !== undefined) return known;
    this.ids.set(spelling, this.spellings.length);
    return this.spellings.push(spelling) - 1;
  }

  spelling(id: TokenId): string {
    return this.spellings[id] as string;
  }
}
