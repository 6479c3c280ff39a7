import { requireText, requireTexts } from "../arguments.ts";
import type { TokenId, Tokenizer } from "../tokenizer.ts";
import { InvalidTrainingOptionError } from "./errors.ts";
import { requireWhole } from "./options.ts";

/** Of one number. */
const BYTES = { float32: 4, float16: 2, bfloat16: 2 } as const;

/** The model that the vocabulary is for. */
export interface VocabularyReportOptions {
  /** Numbers per token in the model's embedding. */
  readonly width: number;
  /** Whether the model's head uses the table of the embedding too. Default true. */
  readonly tied?: boolean;
  /** How parameters are stored. Default float32. */
  readonly dtype?: keyof typeof BYTES;
}

/** One row for each vocabulary, in the order in which they were given; as text, a table. */
export interface VocabularyReport extends ReadonlyArray<VocabularyRow> {
  /** The rows as a table to read. */
  toString(): string;
}

/** What a vocabulary makes of some texts, and what it costs a model. */
export interface VocabularyRow {
  readonly vocabSize: number;
  /** Tokens of all texts. */
  readonly numTokens: number;
  /** Words are what white space separates. Less is better: the model sees further, and computes less. */
  readonly tokensPerWord: number;
  /** Bytes of UTF-8. More is better. */
  readonly bytesPerToken: number;
  /** The share of ordinary tokens that no text has: the model cannot learn them. 0 … 1. */
  readonly unusedShare: number;
  /** In the embedding, and in the head unless it is tied. */
  readonly embeddingParameters: number;
  readonly embeddingBytes: number;
}

/**
 * Compares vocabularies, to choose a size: one row for each tokenizer, and as text a table. Take texts that none of them was trained on.
 *
 * @throws InvalidArgumentError for what are no texts
 * @throws InvalidTrainingOptionError if `width` is not a whole number from 1, or `dtype` unknown
 */
export function vocabularyReport(
  tokenizers: Iterable<Tokenizer>,
  texts: Iterable<string>,
  options: VocabularyReportOptions,
): VocabularyReport {
  const { width, tied = true, dtype = "float32" } = options;
  requireWhole("width", width, 1);
  const bytesPerNumber = BYTES[dtype];
  if (bytesPerNumber === undefined)
    throw new InvalidTrainingOptionError("dtype", dtype, Object.keys(BYTES).join(" or "));
  requireTexts(texts);
  const usages = Array.from(tokenizers, (tokenizer) => ({ tokenizer, numTokens: 0, used: new Set<TokenId>() }));
  let [numWords, numBytes] = [0, 0];
  for (const text of texts) {
    requireText(text);
    numWords += text.match(/\P{White_Space}+/gu)?.length ?? 0;
    numBytes += utf8.encode(text).length;
    for (const usage of usages) {
      const ids = usage.tokenizer.encode(text);
      usage.numTokens += ids.length;
      for (const id of ids) usage.used.add(id);
    }
  }
  const rows = usages.map(({ tokenizer, numTokens, used }) => {
    const numOrdinary = tokenizer.vocabSize - tokenizer.specialTokens.size;
    const embeddingParameters = tokenizer.vocabSize * width * (tied ? 1 : 2);
    return {
      vocabSize: tokenizer.vocabSize,
      numTokens,
      tokensPerWord: ratio(numTokens, numWords),
      bytesPerToken: ratio(numBytes, numTokens),
      unusedShare: ratio(numOrdinary - used.size, numOrdinary),
      embeddingParameters,
      embeddingBytes: embeddingParameters * bytesPerNumber,
    };
  });
  return Object.assign(rows, { toString: () => reportText(rows) });
}

function reportText(rows: readonly VocabularyRow[]): string {
  const head = ["vocabulary", "tokens", "per word", "bytes per token", "unused", "embedding", "memory"];
  const lines = rows.map((row) => [
    grouped(row.vocabSize),
    grouped(row.numTokens),
    row.tokensPerWord.toFixed(2),
    row.bytesPerToken.toFixed(2),
    `${(100 * row.unusedShare).toFixed(1)} %`,
    grouped(row.embeddingParameters),
    `${(row.embeddingBytes / 1e6).toFixed(1)} MB`,
  ]);
  const widths = head.map((name, column) => Math.max(name.length, ...lines.map((line) => line[column]?.length ?? 0)));
  const aligned = [head, widths.map((width) => "─".repeat(width)), ...lines].map((line) =>
    line.map((cell, column) => cell.padStart(widths[column] ?? 0)).join("  "),
  );
  return aligned.join("\n");
}

const grouped = (value: number): string => value.toLocaleString("en-US");

function ratio(a: number, b: number): number {
  return b === 0 ? 0 : a / b;
}

const utf8 = new TextEncoder();
