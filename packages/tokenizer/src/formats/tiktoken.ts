import { spell } from "../byte-alphabet.ts";
import { BytePairTokenizer } from "../byte-pair/bpe.ts";
import { MalformedTokenizerError } from "../errors.ts";
import type { TokenId } from "../tokenizer.ts";
import { decodeBase64 } from "./base64.ts";

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
  return new BytePairTokenizer({
    vocabulary: readRanks(ranks),
    pattern,
    specialTokens: specialTokens instanceof Map ? specialTokens : new Map(Object.entries(specialTokens)),
    ignoreMerges: true,
  });
}

function readRanks(text: string): Map<string, TokenId> {
  const vocabulary = new Map<string, TokenId>();
  text.split(/\r?\n/).forEach((line, index) => {
    if (line === "") return;
    const place = `ranks, line ${index + 1}`;
    const [, base64, rank] = /^([A-Za-z0-9+/]+=*) (\d+)$/.exec(line) ?? [];
    if (base64 === undefined) {
      throw new MalformedTokenizerError(
        place,
        `expected base64 and a rank, found ${JSON.stringify(line.slice(0, 60))}.`,
      );
    }
    const token = spell(decodeBase64(base64, place));
    if (vocabulary.has(token))
      throw new MalformedTokenizerError(place, `token ${JSON.stringify(token)} stands further up.`);
    vocabulary.set(token, Number(rank));
  });
  return vocabulary;
}
