import { mergePiece } from "../byte-pair/merge-piece.ts";
import { ListedMerges, type Merge } from "../byte-pair/merges.ts";
import { UnsupportedTokenizerError } from "../errors.ts";
import { asBoolean, asToken, type JsonObject, readMerges, readVocabulary } from "../formats/json.ts";
import type { GrowingIds } from "../growing-ids.ts";
import { idsIn, requireRanks, sentencePieceRules } from "../sentence-piece.ts";
import type { TokenId } from "../tokenizer.ts";
import { byteTokens } from "./byte-fallback.ts";
import { barred, type Model, remembering } from "./model.ts";
import { Trie } from "./trie.ts";

/**
 * Byte-pair encoding as SentencePiece does it (Sennrich et al. 2016; Kudo & Richardson 2018): a text starts as its
 * characters, and the pair of lowest rank merges until none is left. A character that the vocabulary lacks is its bytes
 * (`<0x0A>`), or unknown.
 */
export class CharacterPairs implements Model {
  readonly vocabulary: ReadonlyMap<string, TokenId>;
  /** Those that text can become: not the special ones. */
  private readonly ordinary: ReadonlyMap<string, TokenId>;
  private readonly spellings: ReadonlyMap<TokenId, number>; // lengths of tokens in UTF-16 units
  private readonly merges: ListedMerges;
  /** Tokens of several characters that a text starts with, and that do not merge. */
  private readonly frozen = new Trie();
  private readonly root = this.frozen.addRoot();
  private readonly unknown: TokenId | undefined;
  private readonly fusesUnknown: boolean;
  private readonly bytes: readonly TokenId[] | undefined;
  private readonly wholePieces: boolean;
  private readonly cutsAtSpaces: boolean;
  private readonly words: Model;

  constructor(model: JsonObject, place: string, special: ReadonlyMap<string, TokenId>) {
    requirePlain(model, place);
    this.vocabulary = readVocabulary(model.vocab, `${place}.vocab`);
    this.spellings = new Map([...this.vocabulary].map(([token, id]) => [id, token.length]));
    if (model.unk_token != null) this.unknown = asToken(model.unk_token, this.vocabulary, `${place}.unk_token`);
    const isBarred = barred(special, this.unknown);
    this.ordinary = new Map([...this.vocabulary].filter(([token, id]) => !isBarred(token, id)));
    const merges = readMerges(model.merges, `${place}.merges`);
    const rules = sentencePieceRules(model, place);
    const ranks = rules && idsIn(rules, "ranks", place);
    if (ranks !== undefined) requireRanks(ranks, merges.length, place);
    const userDefined = new Set(idsIn(rules, "user_defined", place));
    const frozen = [...this.vocabulary].filter(([, id]) => userDefined.has(id));
    for (const [token, id] of frozen) this.frozen.addWord(this.root, token, id);
    const spellsOrdinary = ([left, right]: Merge): boolean => !special.has(left + right);
    const usable = ranks === undefined ? merges.filter(spellsOrdinary) : merges; // SentencePiece merges to no special one
    this.merges = new ListedMerges(this.vocabulary, usable, ranks);
    this.fusesUnknown = asBoolean(model, "fuse_unk", place, false);
    if (asBoolean(model, "byte_fallback", place, false)) this.bytes = byteTokens(this.vocabulary);
    this.wholePieces = asBoolean(model, "ignore_merges", place, false);
    // Where no merge joins a space to what stands before it, words merge on their own, and are worth remembering.
    const joined = [...merges.map((merge) => merge.join("")), ...frozen.map(([token]) => token)];
    this.cutsAtSpaces = this.ordinary.has("▁") && !this.wholePieces && !joined.some((token) => /[^▁]▁/.test(token));
    this.words = remembering({ vocabulary: this.vocabulary, encodeInto: (...args) => this.encodeWord(...args) });
  }

  encodeInto(piece: string, ids: GrowingIds, spans?: number[]): void {
    if (!this.cutsAtSpaces) return this.encodeWord(piece, ids, spans);
    for (let start = 0; start < piece.length; ) {
      let end = start;
      while (piece.charCodeAt(end) === SPACE) end++;
      end = piece.indexOf("▁", end);
      if (end < 0) end = piece.length;
      const from = spans?.length ?? 0;
      this.words.encodeInto(piece.slice(start, end), ids, spans);
      for (let i = from; spans !== undefined && i < spans.length; i++) spans[i] = (spans[i] as number) + start;
      start = end;
    }
  }

  private encodeWord(word: string, ids: GrowingIds, spans?: number[]): void {
    const whole = this.wholePieces ? this.ordinary.get(word) : undefined;
    const symbols = whole === undefined ? this.symbols(word) : { ids: [whole], spans: [0, word.length] };
    const parts = Int32Array.from(symbols.ids);
    const count = mergePiece(parts, parts.length, this.merges);
    ids.append(parts, 0, count);
    if (spans !== undefined) this.pushSpans(parts.subarray(0, count), symbols.ids, symbols.spans, spans);
  }

  /** The ids of a word's characters, and where each begins and ends. */
  private symbols(word: string): { readonly ids: TokenId[]; readonly spans: number[] } {
    const ids: TokenId[] = [];
    const spans: number[] = [];
    let start = 0;
    let afterUnknown = false;
    const push = (id: TokenId, end: number): void => {
      ids.push(id);
      spans.push(start, end);
    };
    while (start < word.length) {
      const [found, foundEnd] = this.frozen.longest(this.root, word, start);
      const character = String.fromCodePoint(word.codePointAt(start) as number);
      const end = found < 0 ? start + character.length : foundEnd;
      const id = found < 0 ? this.ordinary.get(character) : found;
      const bytes = id === undefined ? this.bytes : undefined;
      if (id !== undefined) push(id, end);
      else if (bytes !== undefined) for (const byte of utf8.encode(character)) push(bytes[byte] as TokenId, end);
      else if (this.unknown !== undefined) {
        if (afterUnknown && this.fusesUnknown) spans[spans.length - 1] = end;
        else push(this.unknown, end);
      }
      afterUnknown = id === undefined && bytes === undefined;
      start = end;
    }
    return { ids, spans };
  }

  /** Each merged token spans as many symbols as its spelling is long. */
  private pushSpans(merged: Int32Array, symbols: readonly TokenId[], from: readonly number[], spans: number[]): void {
    let k = 0;
    for (const id of merged) {
      const start = from[2 * k] as number;
      let end = from[2 * k + 1] as number;
      if (symbols[k++] !== id) {
        const length = this.spellings.get(id) as number;
        while (end - start < length && k < symbols.length) end = from[2 * k++ + 1] as number;
      }
      spans.push(start, end);
    }
  }
}

const SPACE = 0x2581; // ▁
const utf8 = new TextEncoder();

/** @throws UnsupportedTokenizerError if one of the variants of BPE is asked for that no published model uses */
export function requirePlain(model: JsonObject, place: string): void {
  for (const option of ["dropout", "continuing_subword_prefix", "end_of_word_suffix"]) {
    if (model[option]) throw new UnsupportedTokenizerError(`${place} option "${option}"`, "BPE must be plain.");
  }
}
