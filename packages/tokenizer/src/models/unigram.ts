import { MalformedTokenizerError } from "../errors.ts";
import { asArray, asBoolean, asId, asString, type JsonObject } from "../formats/json.ts";
import type { GrowingIds } from "../growing-ids.ts";
import { idsIn, sentencePieceRules } from "../sentence-piece.ts";
import type { TokenId } from "../tokenizer.ts";
import { byteTokens } from "./byte-fallback.ts";
import { barred, type Model } from "./model.ts";
import { Trie } from "./trie.ts";

/** SentencePiece's own. */
const LARGEST_SUM = 100_000;

/** How much worse than the rarest token a character is that the vocabulary lacks. */
export const UNKNOWN_PENALTY = 10;

/**
 * Unigram (Kudo 2018): of all ways to spell a piece with tokens, the one whose scores, logarithms of probabilities, have
 * the greatest sum (Viterbi 1967). Characters that the vocabulary lacks are bytes or unknown; neighbours are one token.
 */
export class Unigram implements Model {
  readonly vocabulary: ReadonlyMap<string, TokenId>;
  readonly tokens: readonly string[];
  /** Those that text can become: not the special ones. */
  private readonly ordinary = new Map<string, TokenId>();
  /** Sums have 64 bits in Hugging Face's tokenizers, 32 in SentencePiece, which begins anew where they grow large. */
  private readonly keeps32Bits: boolean;
  private readonly scores: Float64Array;
  private readonly unknown: TokenId | undefined;
  private readonly unknownScore: number;
  private readonly bytes: readonly TokenId[] | undefined;
  /** The length of the longest token, in UTF-16 units. */
  private readonly longest: number;
  private readonly trie = new Trie();
  private readonly root = this.trie.addRoot();

  constructor(model: JsonObject, place: string, special: ReadonlyMap<string, TokenId>) {
    const tokens = asArray(model.vocab, `${place}.vocab`).map((entry, id) => readEntry(entry, `${place}.vocab[${id}]`));
    const { unk_id: unknown } = model;
    if (unknown != null) this.unknown = asId(unknown, `${place}.unk_id`);
    if (this.unknown !== undefined && this.unknown >= tokens.length)
      throw new MalformedTokenizerError(`${place}.unk_id`, `${this.unknown} is no token: there are ${tokens.length}.`);
    this.tokens = tokens.map(([token]) => token);
    this.longest = this.tokens.reduce((most, { length }) => Math.max(most, length), 2);
    // Of two tokens that are spelled alike the later one counts, as in Hugging Face's tokenizers.
    this.vocabulary = new Map(tokens.map(([token], id) => [token, id]));
    const rules = sentencePieceRules(model, place);
    this.keeps32Bits = rules !== undefined;
    const absent = new Set(idsIn(rules, "absent", place));
    const userDefined = new Set(idsIn(rules, "user_defined", place));
    this.scores = Float64Array.from(tokens, ([token, score], id) => (userDefined.has(id) ? favour(token) : score));
    const isBarred = barred(special, this.unknown);
    let lowest = Number.POSITIVE_INFINITY;
    tokens.forEach(([token, score], id) => {
      if (absent.has(id)) return;
      if (!userDefined.has(id)) lowest = Math.min(lowest, score);
      if (token === "" || isBarred(token, id)) return;
      this.ordinary.set(token, id);
      this.trie.addWord(this.root, token, id);
    });
    this.unknownScore = this.keeps32Bits ? Math.fround(lowest - UNKNOWN_PENALTY) : lowest - UNKNOWN_PENALTY;
    if (asBoolean(model, "byte_fallback", place, false)) this.bytes = byteTokens(this.vocabulary);
  }

  encodeInto(piece: string, ids: GrowingIds, spans?: number[]): void {
    const { begins, last } = this.bestPath(piece);
    const ends: number[] = [];
    for (let end = piece.length; end > 0; end = Math.abs(begins[end] as number) - 1) ends.push(end);
    let start = 0;
    for (let k = ends.length - 1; k >= 0; k--) {
      let end = ends[k] as number;
      const isUnknown = (begins[end] as number) < 0;
      while (isUnknown && k > 0 && (begins[ends[k - 1] as number] as number) < 0) end = ends[--k] as number;
      if (isUnknown) this.pushUnknown(piece, start, end, ids, spans);
      else {
        ids.push(last[end] as TokenId);
        spans?.push(start, end);
      }
      start = end;
    }
  }

  /** For each end, the last token of the best path to it: one more than where it begins, negative for an unknown one. */
  private bestPath(piece: string): { readonly begins: Int32Array; readonly last: Int32Array } {
    const { trie, scores, keeps32Bits } = this;
    const { length } = piece;
    const best = new (keeps32Bits ? Float32Array : Float64Array)(length + 1);
    const begins = new Int32Array(length + 1);
    const last = new Int32Array(length + 1);
    for (let start = 0; start < length; ) {
      if (keeps32Bits && Math.abs(best[start] as number) > LARGEST_SUM) this.beginAnew(best, begins, start);
      const here = best[start] as number;
      const width = (piece.codePointAt(start) as number) > 0xffff ? 2 : 1;
      let isKnown = false;
      let node = this.root;
      for (let end = start + 1; end <= length; end++) {
        node = trie.child(node, piece.charCodeAt(end - 1));
        if (node === 0) break;
        const id = trie.ids[node] as number;
        if (id < 0) continue;
        if (end === start + width) isKnown = true;
        const wide = here + (scores[id] as number);
        const sum = keeps32Bits ? Math.fround(wide) : wide;
        if (begins[end] !== 0 && sum <= (best[end] as number)) continue;
        best[end] = sum;
        last[end] = id;
        begins[end] = id === this.unknown ? -(start + 1) : start + 1; // spelled out, it is unknown too
      }
      const end = start + width;
      const wide = here + this.unknownScore;
      const sum = keeps32Bits ? Math.fround(wide) : wide;
      if (!isKnown && (begins[end] === 0 || sum > (best[end] as number))) {
        best[end] = sum;
        begins[end] = -(start + 1);
      }
      start = end;
    }
    return { begins, last };
  }

  /** Counts the sums that are known from that of `start` on. */
  private beginAnew(best: Float32Array | Float64Array, begins: Int32Array, start: number): void {
    const offset = best[start] as number;
    const last = Math.min(best.length - 1, start + this.longest);
    best[start] = 0;
    for (let end = start + 1; end <= last; end++) if (begins[end] !== 0) best[end] = (best[end] as number) - offset;
  }

  private pushUnknown(piece: string, start: number, end: number, ids: GrowingIds, spans: number[] | undefined): void {
    const text = piece.slice(start, end);
    const known = this.ordinary.get(text);
    const bytes = known === undefined ? this.bytes : undefined;
    const id = known ?? this.unknown;
    const found = bytes === undefined ? [id] : Array.from(utf8.encode(text), (byte) => bytes[byte]);
    for (const id of found) {
      if (id === undefined)
        throw new MalformedTokenizerError("model.unk_id", `there is none, and ${JSON.stringify(text)} has no token.`);
      ids.push(id);
      spans?.push(start, end);
    }
  }
}

/** How good pieces are that the user defined, in SentencePiece: always the best, and long ones better. */
function favour(token: string): number {
  return Math.fround(0.1 * (utf8.encode(token).length - 1));
}

const utf8 = new TextEncoder();

function readEntry(entry: unknown, place: string): readonly [token: string, score: number] {
  const [token, score] = asArray(entry, place);
  if (typeof score === "number") return [asString(token, place), score];
  throw new MalformedTokenizerError(place, `expected a token and its score, found ${JSON.stringify(entry)}.`);
}
