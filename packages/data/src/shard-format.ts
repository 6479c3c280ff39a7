import { TokenShardError } from "./errors.ts";

// A folder of token shards:
//   tokens.json                     the header below
//   training-00000.bin …            raw little-endian ids, headerless, as nanoGPT's *.bin
//   training-00000.documents.json   where documents begin in that file
//   validation-…, test-…            the same for the other parts

export const HEADER_FILE = "tokens.json";
const FORMAT = "tessera-tokens-1";

/** A part of a corpus. */
export type Part = "training" | "validation" | "test";

/** The parts of a corpus, in order. */
export const PARTS: readonly Part[] = ["training", "validation", "test"];

/** How an id is kept: two bytes where the vocabulary has at most 65,536 tokens, else four. */
export type TokenDType = "uint16" | "uint32";
export const TOKEN_ARRAYS: { readonly uint16: typeof Uint16Array; readonly uint32: typeof Uint32Array } = {
  uint16: Uint16Array,
  uint32: Uint32Array,
};

export interface ShardHeader {
  readonly dtype: TokenDType;
  readonly vocabSize: number;
  /** What `tokenizerFingerprint` gave for the tokenizer that wrote the ids. */
  readonly tokenizer: string;
  /** The number of tokens in each file of a part. */
  readonly shards: Readonly<Record<Part, readonly number[]>>;
}

const shardName = (part: Part, index: number): string => `${part}-${String(index).padStart(5, "0")}`;
export const tokensFile = (part: Part, index: number): string => `${shardName(part, index)}.bin`;
export const documentsFile = (part: Part, index: number): string => `${shardName(part, index)}.documents.json`;

export const dtypeFor = (vocabSize: number): TokenDType => (vocabSize <= 65536 ? "uint16" : "uint32");

export const headerToJson = (header: ShardHeader): string => `${JSON.stringify({ format: FORMAT, ...header })}\n`;

/** @throws TokenShardError where the text is not a header */
export function headerFromJson(path: string, json: string): ShardHeader {
  const header = parseJson(path, json) as Partial<Record<keyof ShardHeader | "format", unknown>> | null;
  const require = (valid: boolean, expected: string): void => {
    if (!valid)
      throw new TokenShardError(path, `expected ${expected}; it is no header of token shards, or a damaged one`);
  };
  require(header?.format === FORMAT, `"format": "${FORMAT}"`);
  require(header?.dtype === "uint16" || header?.dtype === "uint32", 'dtype "uint16" or "uint32"');
  require(isCount(header?.vocabSize), "vocabSize, a whole number");
  require(typeof header?.tokenizer === "string", "tokenizer, a hash");
  const shards = header?.shards as Partial<Record<Part, unknown>> | undefined;
  for (const part of PARTS) require(isCounts(shards?.[part]), `shards.${part}, a list of whole numbers`);
  return header as ShardHeader;
}

/** The list of whole numbers in a file that says where documents begin. @throws TokenShardError */
export function documentsFromJson(path: string, json: string): readonly number[] {
  const starts = parseJson(path, json);
  if (isCounts(starts)) return starts;
  throw new TokenShardError(path, "expected a list of whole numbers");
}

function parseJson(path: string, json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new TokenShardError(path, `expected JSON (${(error as Error).message})`);
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isCounts = (value: unknown): value is readonly number[] => Array.isArray(value) && value.every(isCount);
