import { asId, asString, asToken, type JsonObject, readVocabulary } from "../formats/json.ts";
import type { GrowingIds } from "../growing-ids.ts";
import type { TokenId } from "../tokenizer.ts";
import { barred, type Model } from "./model.ts";
import { Trie } from "./trie.ts";

/**
 * WordPiece (Schuster & Nakajima 2012; Devlin et al. 2018): from the left, the longest token that a word begins with;
 * after the first, tokens are spelled with a prefix (`##ing`). A word that cannot be spelled so is one unknown token.
 */
export class WordPiece implements Model {
  readonly vocabulary: ReadonlyMap<string, TokenId>;
  private readonly unknown: TokenId;
  private readonly longestWord: number; // in code points
  private readonly trie = new Trie();
  private readonly beginnings = this.trie.addRoot();
  private readonly continuations = this.trie.addRoot();
  private readonly spans: number[] = [];
  private readonly found: TokenId[] = [];

  constructor(model: JsonObject, place: string, special: ReadonlyMap<string, TokenId>) {
    this.vocabulary = readVocabulary(model.vocab, `${place}.vocab`);
    this.longestWord = asId(model.max_input_chars_per_word ?? 100, `${place}.max_input_chars_per_word`);
    const prefix = asString(model.continuing_subword_prefix ?? "##", `${place}.continuing_subword_prefix`);
    this.unknown = asToken(model.unk_token ?? "[UNK]", this.vocabulary, `${place}.unk_token`);
    const isBarred = barred(special, this.unknown);
    for (const [token, id] of this.vocabulary) {
      if (isBarred(token, id)) continue;
      this.trie.addWord(this.beginnings, token, id);
      if (token.startsWith(prefix)) this.trie.addWord(this.continuations, token.slice(prefix.length), id);
    }
  }

  encodeInto(word: string, ids: GrowingIds, spans?: number[]): void {
    if (isLonger(word, this.longestWord) || !this.spell(word)) {
      ids.push(this.unknown);
      spans?.push(0, word.length);
      return;
    }
    ids.append(this.found);
    for (const place of spans === undefined ? [] : this.spans) spans?.push(place);
  }

  /** Finds the tokens of a word; false if it cannot be spelled. */
  private spell(word: string): boolean {
    this.found.length = 0;
    this.spans.length = 0;
    for (let start = 0; start < word.length; ) {
      const root = start === 0 ? this.beginnings : this.continuations;
      const [id, end] = this.trie.longest(root, word, start);
      if (end <= start) return false;
      this.found.push(id);
      this.spans.push(start, end);
      start = end;
    }
    return true;
  }
}

/** Whether a word has more than `limit` code points. */
function isLonger(word: string, limit: number): boolean {
  if (word.length <= limit) return false;
  if (word.length > 2 * limit) return true;
  return [...word].length > limit;
}
