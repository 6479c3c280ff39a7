import { spell } from "../byte-alphabet.ts";
import { searchByRegularExpression } from "../split/regular-expression.ts";
import type { TokenId } from "../tokenizer.ts";
import type { BytePairDefinition } from "./bpe.ts";
import { impliedMerges } from "./merges.ts";

/**
 * What `BytePairTokenizer.encode` computes, written down plainly: read this to follow the road from a text to its ids.
 * Split by the regular expression, spell each piece as bytes, merge the first pair of lowest rank again and again, look
 * the tokens up. Tests compare the fast road with it. Special tokens are ordinary text; lone surrogates are U+FFFD.
 */
export function encodePlainly(text: string, definition: BytePairDefinition): TokenId[] {
  const { vocabulary, merges = impliedMerges(vocabulary), pattern } = definition;
  const takesWhole = definition.ignoreMerges === true || definition.merges === undefined;
  const ranks = new Map(merges.map(([left, right], rank) => [`${left} ${right}`, rank]));
  return split(text, pattern).flatMap((piece) => {
    const spelling = spell(new TextEncoder().encode(piece));
    const tokens = takesWhole && vocabulary.has(spelling) ? [spelling] : merge([...spelling], ranks);
    return tokens.map((token) => vocabulary.get(token) as TokenId);
  });
}

function split(text: string, pattern: string | null): string[] {
  const pieceEnd = pattern === null ? () => text.length : searchByRegularExpression(pattern);
  const pieces: string[] = [];
  for (let start = 0; start < text.length; ) {
    const end = pieceEnd(text, start);
    pieces.push(text.slice(start, end));
    start = end;
  }
  return pieces;
}

function merge(tokens: readonly string[], ranks: ReadonlyMap<string, number>): readonly string[] {
  const found = tokens.slice(1).map((right, i) => ranks.get(`${tokens[i]} ${right}`) ?? Number.POSITIVE_INFINITY);
  const lowest = Math.min(...found);
  if (!Number.isFinite(lowest)) return tokens;
  const at = found.indexOf(lowest);
  return merge([...tokens.slice(0, at), `${tokens[at]}${tokens[at + 1]}`, ...tokens.slice(at + 2)], ranks);
}
