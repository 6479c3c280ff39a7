import type { TokenId } from "../tokenizer.ts";
import type { Vocabulary } from "./vocabulary.ts";
import type { WordCounts } from "./word-counts.ts";
import { WordSymbols } from "./word-symbols.ts";

/** Which characters words may be made of, and how they are spelled inside a word. */
export interface AlphabetOptions {
  /** Keep only so many characters, the most frequent; the others vanish from the words. */
  readonly limit: number;
  /** Before every character but the first of a word, such as `##`. */
  readonly prefix: string;
}

/** Gives the words' characters ids, in the order of their code points, and spells the words with them. */
export function spellCharacters(words: WordCounts, vocabulary: Vocabulary, options: AlphabetOptions): WordSymbols {
  for (const character of alphabet(words, options.limit)) vocabulary.add(character);
  for (const character of insideWords(words, vocabulary)) vocabulary.add(options.prefix + character);
  const symbols = new WordSymbols();
  for (let word = 0; word < words.size; word++) {
    const ids: TokenId[] = [];
    let prefix = "";
    for (const character of words.word(word)) {
      if (vocabulary.ids.has(character)) ids.push(vocabulary.add(prefix + character));
      prefix = options.prefix;
    }
    symbols.add(Int32Array.from(ids), words.count(word));
  }
  return symbols;
}

/** The characters of all words, or the `limit` most frequent of them. */
function alphabet(words: WordCounts, limit: number): string[] {
  const counts = new Map<string, number>();
  for (let word = 0; word < words.size; word++) {
    for (const character of words.word(word)) {
      counts.set(character, (counts.get(character) ?? 0) + words.count(word));
    }
  }
  const characters = inOrder(counts.keys());
  if (characters.length <= limit) return characters;
  const mostFrequent = characters.sort((a, b) => (counts.get(b) as number) - (counts.get(a) as number));
  return inOrder(mostFrequent.slice(0, limit));
}

/** Characters of the alphabet that stand elsewhere than at the beginning of a word. */
function insideWords(words: WordCounts, { ids }: Vocabulary): string[] {
  const inside = new Set<string>();
  for (let word = 0; word < words.size; word++) {
    const [, ...rest] = words.word(word);
    for (const character of rest) if (ids.has(character)) inside.add(character);
  }
  return inOrder(inside);
}

/** By code point. */
export function inOrder(characters: Iterable<string>): string[] {
  return [...characters].sort((a, b) => (a.codePointAt(0) as number) - (b.codePointAt(0) as number));
}
