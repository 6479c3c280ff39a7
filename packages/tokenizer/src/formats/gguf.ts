import { MalformedTokenizerError, UnsupportedTokenizerError } from "../errors.ts";
import type { Part } from "../parts.ts";
import { PipelineTokenizer } from "../pipeline.ts";
import { splitPatterns } from "../split/split-patterns.ts";
import type { TokenId, Tokenizer } from "../tokenizer.ts";
import { describeAddedToken } from "./definition.ts";
import { readMerges } from "./json.ts";
import {
  BPE,
  BYTE,
  CONTROL,
  NORMAL,
  sentencePieceTokenizer,
  UNKNOWN_SURFACE,
  UNUSED,
  USER_DEFINED,
} from "./sentence-piece-model.ts";

/** The metadata of a GGUF file by key, as `openGgufFile` of `@tessera-lm/weights` gives them. */
export type GgufMetadata = ReadonlyMap<string, { readonly value: unknown }>;

/** What llama.cpp calls the ways to cut text that we know, in `tokenizer.ggml.pre`. */
export const PATTERNS: ReadonlyMap<string, string> = new Map([
  ["gpt-2", splitPatterns.gpt2],
  ["llama-bpe", splitPatterns.llama3],
  ["qwen2", splitPatterns.qwen2],
  ["gpt-4o", splitPatterns.o200k],
]);

/**
 * The tokenizer inside a GGUF file: byte-level BPE (GPT-2, Llama 3, Qwen2) or SentencePiece's BPE (Llama 2, Mistral).
 * Unused tokens, with which a file fills up the vocabulary of its model, are left out.
 *
 * @throws MalformedTokenizerError naming the key at fault
 * @throws UnsupportedTokenizerError naming the kind of tokenizer, or the way to cut text, that this package lacks
 */
export function tokenizerFromGguf(metadata: GgufMetadata): Tokenizer {
  const model = string(metadata, "model");
  if (model === "gpt2") return bytePairTokenizer(metadata);
  if (model === "llama") return llamaTokenizer(metadata);
  throw new UnsupportedTokenizerError(
    `tokenizer.ggml.model ${JSON.stringify(model)}`,
    '"gpt2" (byte-level BPE) and "llama" (SentencePiece) are.',
  );
}

function bytePairTokenizer(metadata: GgufMetadata): Tokenizer {
  const tokens = strings(metadata, "tokens");
  const types = tokenTypes(metadata, tokens);
  const pre = string(metadata, "pre");
  const pattern = PATTERNS.get(pre);
  if (pattern === undefined) {
    const known = [...PATTERNS.keys()].join(", ");
    throw new UnsupportedTokenizerError(`tokenizer.ggml.pre ${JSON.stringify(pre)}`, `known are ${known}.`);
  }
  const isOrdinary = (_: string, id: TokenId): boolean => types[id] === NORMAL;
  const added = tokens.flatMap((token, id) =>
    types[id] === CONTROL || types[id] === USER_DEFINED ? [describeAddedToken(token, id, types[id] === CONTROL)] : [],
  );
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false };
  const split = { type: "Split", pattern: { Regex: pattern }, behavior: "Isolated", invert: false };
  return new PipelineTokenizer({
    added_tokens: added,
    normalizer: pre === "qwen2" ? { type: "NFC" } : null,
    pre_tokenizer: { type: "Sequence", pretokenizers: [split, byteLevel] },
    post_processor: beginsText(metadata, pre === "llama-bpe") ? template(metadata, tokens) : null,
    decoder: byteLevel,
    model: {
      type: "BPE",
      vocab: Object.fromEntries(
        [...tokens.entries()].filter(([id, token]) => isOrdinary(token, id)).map(([id, token]) => [token, id]),
      ),
      merges: readMerges(strings(metadata, "merges"), "tokenizer.ggml.merges"),
      ignore_merges: pre === "llama-bpe",
    },
  }).simplest();
}

function llamaTokenizer(metadata: GgufMetadata): Tokenizer {
  const tokens = strings(metadata, "tokens");
  const types = tokenTypes(metadata, tokens);
  const scores = numbers(metadata, "scores", tokens.length);
  const used = types.findLastIndex((type) => type !== UNUSED) + 1;
  const pieces = tokens.slice(0, used).map((text, id) => ({ text, score: scores[id], type: types[id] }));
  const model = {
    pieces,
    modelType: BPE,
    byteFallback: types.includes(BYTE),
    charsmap: new Uint8Array(),
    addsSpace: flag(metadata, "add_space_prefix", true),
    removesSpaces: flag(metadata, "remove_extra_whitespaces", false),
    unknownSurface: UNKNOWN_SURFACE,
  };
  const begin = beginsText(metadata, true) ? (tokens[beginOfText(metadata) ?? -1] ?? null) : null;
  return sentencePieceTokenizer(model, { beginOfText: begin, endOfText: null });
}

const beginsText = (metadata: GgufMetadata, otherwise: boolean): boolean =>
  flag(metadata, "add_bos_token", otherwise) && beginOfText(metadata) !== undefined;

function beginOfText(metadata: GgufMetadata): TokenId | undefined {
  const value = metadata.get("tokenizer.ggml.bos_token_id")?.value;
  return typeof value === "number" ? value : undefined;
}

/** The token of beginning before a text, or before each of two. */
function template(metadata: GgufMetadata, tokens: readonly string[]): Part | null {
  const id = beginOfText(metadata) as TokenId;
  const begin = tokens[id];
  if (begin === undefined) throw wrong("bos_token_id", `it is ${id}, and there are ${tokens.length} tokens.`);
  const around = (text: string, type_id: number): object[] => [
    { SpecialToken: { id: begin, type_id } },
    { Sequence: { id: text, type_id } },
  ];
  return {
    type: "TemplateProcessing",
    single: around("A", 0),
    pair: [...around("A", 0), ...around("B", 1)],
    special_tokens: { [begin]: { id: begin, ids: [id], tokens: [begin] } },
  };
}

function string(metadata: GgufMetadata, name: string): string {
  const value = metadata.get(`tokenizer.ggml.${name}`)?.value;
  if (typeof value === "string") return value;
  throw wrong(name, value === undefined ? "it is missing." : "expected a string.");
}

function strings(metadata: GgufMetadata, name: string): readonly string[] {
  const value = metadata.get(`tokenizer.ggml.${name}`)?.value;
  if (Array.isArray(value) && value.every((each) => typeof each === "string")) return value;
  throw wrong(name, value === undefined ? "it is missing." : "expected a list of strings.");
}

function numbers(metadata: GgufMetadata, name: string, length: number): readonly number[] {
  const value = metadata.get(`tokenizer.ggml.${name}`)?.value;
  if (Array.isArray(value) && value.length === length && value.every((each) => typeof each === "number")) return value;
  throw wrong(name, `expected a list of ${length} numbers, one for each token.`);
}

const tokenTypes = (metadata: GgufMetadata, tokens: readonly string[]): readonly number[] =>
  metadata.has("tokenizer.ggml.token_type") ? numbers(metadata, "token_type", tokens.length) : tokens.map(() => NORMAL);

function flag(metadata: GgufMetadata, name: string, otherwise: boolean): boolean {
  const value = metadata.get(`tokenizer.ggml.${name}`)?.value;
  return typeof value === "boolean" ? value : otherwise;
}

const wrong = (name: string, problem: string): MalformedTokenizerError =>
  new MalformedTokenizerError(`tokenizer.ggml.${name}`, problem);
