import { unspell } from "../byte-alphabet.ts";
import type { BytePairDefinition } from "../byte-pair/bpe.ts";
import { mergePiece } from "../byte-pair/merge-piece.ts";
import { impliedMerges, ListedMerges, type Merge } from "../byte-pair/merges.ts";
import { UnsupportedTokenizerError } from "../errors.ts";
import type { TokenId, Tokenizer } from "../tokenizer.ts";
import { definitionFor } from "./definition.ts";

/**
 * A tokenizer as the text of a `.tiktoken` file. It holds neither the split pattern nor the special tokens: whoever
 * reads it must know them, see `tokenizerFromTiktoken`.
 *
 * @throws UnsupportedTokenizerError where ranks would encode otherwise than the tokenizer does, naming the merge or token
 */
export function tokenizerToTiktoken(tokenizer: Tokenizer): string {
  const definition = definitionFor(".tiktoken ranks", tokenizer);
  requireRanks(definition);
  const byId = [...definition.vocabulary].sort(([, a], [, b]) => a - b);
  return byId.map(([token, id]) => `${base64(token)} ${id}\n`).join("");
}

/**
 * Ranks merge any two tokens that spell a third, the lowest id first, and look whole pieces up. A list of merges does
 * the same if it runs in the order of ids and either lists all those pairs, with look-up, or leads from the bytes of
 * every token to that token: two tokens that lie side by side and spell a third are then what that token's own merges
 * lead to, so that the list has the pair.
 */
function requireRanks({ vocabulary, merges, ignoreMerges }: BytePairDefinition): void {
  requireIdOrder(merges ?? [], vocabulary);
  const listsAll = merges === undefined || merges.length === impliedMerges(vocabulary).length;
  if (listsAll && ignoreMerges) return;
  const rules = new ListedMerges(vocabulary, merges ?? impliedMerges(vocabulary));
  for (const [token, id] of vocabulary) {
    const ids = Int32Array.from(token, (byte) => vocabulary.get(byte) ?? -1);
    const count = mergePiece(ids, ids.length, rules);
    if (count !== 1 || ids[0] !== id)
      throw unsupported(`token ${JSON.stringify(token)}`, "the merges do not lead to it");
  }
}

function requireIdOrder(merges: readonly Merge[], vocabulary: ReadonlyMap<string, TokenId>): void {
  let last = 0;
  merges.forEach(([left, right], index) => {
    const id = vocabulary.get(left + right) as TokenId;
    if (id < last) throw unsupported(`merge ${index} (${left} ${right})`, `it makes id ${id} after id ${last}`);
    last = id;
  });
}

function unsupported(feature: string, problem: string): UnsupportedTokenizerError {
  const supported = `${problem}, but ranks merge whatever spells a token, lower ids first. Write tokenizer.json.`;
  return new UnsupportedTokenizerError(feature, supported);
}

function base64(token: string): string {
  return btoa(Array.from(unspell(token) ?? [], (byte) => String.fromCharCode(byte)).join(""));
}
