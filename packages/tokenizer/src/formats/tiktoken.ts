import { BytePairTokenizer } from "../byte-pair/bpe.ts";
import { spellTokens } from "../byte-pair/token-list.ts";
import type { TokenId } from "../tokenizer.ts";
import { readRanks } from "./ranks.ts";

/** What a `.tiktoken` file leaves unsaid. */
export interface TiktokenOptions {
  /** How text is cut into pieces, see {@link splitPatterns}. */
  readonly pattern: string;
  /** Special tokens and their ids. Default: none. */
  readonly specialTokens?: ReadonlyMap<string, TokenId> | Readonly<Record<string, TokenId>>;
}

/**
 * The tokenizer in a `.tiktoken` file: one token per line, its bytes in base64 and its rank, which is its id.
 *
 * @param ranks the text of the file
 * @throws MalformedTokenizerError naming the line at fault
 */
export function tokenizerFromTiktoken(ranks: string, options: TiktokenOptions): BytePairTokenizer {
  const { pattern, specialTokens = {} } = options;
  const tokens = readRanks(ranks);
  let vocabulary: ReadonlyMap<string, TokenId> | undefined;
  const definition = {
    /** Spelled when first asked for: encoding and decoding need no spellings. */
    get vocabulary(): ReadonlyMap<string, TokenId> {
      vocabulary ??= spellTokens(tokens);
      return vocabulary;
    },
    pattern,
    specialTokens: specialTokens instanceof Map ? specialTokens : new Map(Object.entries(specialTokens)),
    ignoreMerges: true,
  };
  return new BytePairTokenizer(definition, tokens);
}
