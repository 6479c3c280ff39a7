import { InvalidBatchOptionError } from "./errors.ts";
import { GrowingIds } from "./growing-ids.ts";
import { PipelineTokenizer } from "./pipeline.ts";
import { aroundText, makePostProcessor } from "./post-process/post-processors.ts";
import type { EncodeOptions, TokenId, Tokenizer } from "./tokenizer.ts";

/** Texts as the rows of one rectangle of ids, ready for a model. */
export interface EncodedBatch {
  readonly inputs: Int32Array; // (B, T) row-major
  /** 1 where a token stands, 0 where a row is filled up. */
  readonly attentionMask: Int32Array; // (B, T) row-major
  readonly shape: readonly [batch: number, time: number];
  /** Of which text each row is, or is a window. */
  readonly textIndex: Int32Array; // (B)
}

/** How texts become rows of one length. */
export interface BatchOptions extends EncodeOptions {
  /** Longer texts are cut to so many tokens, those of `addSpecialTokens` counted and kept. Default: none is cut. */
  readonly maxLength?: number;
  /** Where a text is cut. Default "right": its beginning is kept. */
  readonly truncationSide?: Side;
  /** What is cut off makes further rows, which repeat the last `stride` tokens of the row before. Default: it is lost. */
  readonly stride?: number;
  /** How long the rows are: as the longest, or `maxLength`. Default "longest". */
  readonly padding?: "longest" | "maxLength";
  /** The length of the rows is rounded up to a multiple of this. Default 1. */
  readonly padToMultipleOf?: number;
  /** Where rows are filled up. Default "right"; generating from several prompts at once takes "left". */
  readonly paddingSide?: Side;
  /** The id that fills rows up. Default: that of `<pad>`, `[PAD]`, `<|pad|>` or `<|endoftext|>`, the first there is. */
  readonly padId?: TokenId;
}

export type Side = "left" | "right";

/**
 * Encodes texts as the rows of one rectangle: long ones cut, short ones filled up. Hugging Face's tokenizers, given the
 * options of the same names, make the same rows.
 *
 * @throws InvalidBatchOptionError if an option is out of range, or none says with what to fill rows up
 */
export function encodeBatch(tokenizer: Tokenizer, texts: Iterable<string>, options: BatchOptions = {}): EncodedBatch {
  checkOptions(options);
  const rows: Uint32Array[] = [];
  const textIndex: number[] = [];
  encodeAll(tokenizer, [...texts], options).forEach((text, index) => {
    for (const row of cut(text, options)) {
      rows.push(row);
      textIndex.push(index);
    }
  });
  return { ...fillUp(rows, tokenizer, options), textIndex: Int32Array.from(textIndex) };
}

/** The ids of a text, and those that `addSpecialTokens` puts around it. */
interface EncodedText {
  readonly before: readonly TokenId[];
  readonly ids: Uint32Array;
  readonly after: readonly TokenId[];
}

function encodeAll(tokenizer: Tokenizer, texts: readonly string[], options: BatchOptions): EncodedText[] {
  const { before, after } = options.addSpecialTokens ? around(tokenizer) : { before: [], after: [] };
  return texts.map((text) => ({
    before,
    ids: tokenizer.encode(text, { ...options, addSpecialTokens: false }),
    after,
  }));
}

/** What `addSpecialTokens` puts before and after each text. */
function around(tokenizer: Tokenizer): Omit<EncodedText, "ids"> {
  const postProcessor = tokenizer instanceof PipelineTokenizer ? tokenizer.definition.post_processor : undefined;
  const found = aroundText(makePostProcessor(postProcessor, "post_processor")?.template);
  if (found !== undefined) return found;
  throw new InvalidBatchOptionError("addSpecialTokens", true, "a tokenizer whose template has each text once");
}

/** The rows of one text: itself, its beginning or end, or all its windows. */
function* cut({ before, ids, after }: EncodedText, options: BatchOptions): Generator<Uint32Array> {
  const { maxLength = Number.POSITIVE_INFINITY, truncationSide = "right", stride } = options;
  const space = maxLength - before.length - after.length;
  if (space < 0) {
    throw new InvalidBatchOptionError(
      "maxLength",
      maxLength,
      `at least ${maxLength - space}, the special tokens alone`,
    );
  }
  if (stride !== undefined && stride >= space) {
    throw new InvalidBatchOptionError("stride", stride, `less than the ${space} tokens of text in a row`);
  }
  for (let cutOff = 0; cutOff === 0 || cutOff < ids.length; cutOff += space - stride) {
    const start = truncationSide === "right" ? cutOff : Math.max(0, ids.length - cutOff - space);
    const end = Math.min(ids.length, truncationSide === "right" ? cutOff + space : ids.length - cutOff);
    yield join([before, ids.subarray(start, end), after]);
    if (stride === undefined || cutOff + space >= ids.length) return;
  }
}

function join(parts: readonly ArrayLike<TokenId>[]): Uint32Array {
  const ids = new GrowingIds(parts.reduce((sum, part) => sum + part.length, 0));
  for (const part of parts) ids.append(part);
  return ids.finish();
}

/** The rows, all as long as the longest or as the options say. */
function fillUp(
  rows: readonly Uint32Array[],
  tokenizer: Tokenizer,
  options: BatchOptions,
): Omit<EncodedBatch, "textIndex"> {
  const { maxLength = 0, padding = "longest", padToMultipleOf = 1, paddingSide = "right" } = options;
  const longest = padding === "maxLength" ? maxLength : rows.reduce((most, row) => Math.max(most, row.length), 0);
  const length = Math.ceil(longest / padToMultipleOf) * padToMultipleOf;
  const inputs = new Int32Array(rows.length * length);
  if (rows.some((row) => row.length < length)) inputs.fill(padIdOf(tokenizer, options));
  const attentionMask = new Int32Array(rows.length * length);
  rows.forEach((row, index) => {
    const start = index * length + (paddingSide === "left" ? length - row.length : 0);
    inputs.set(row, start);
    attentionMask.fill(1, start, start + row.length);
  });
  return { inputs, attentionMask, shape: [rows.length, length] };
}

/** @throws InvalidBatchOptionError if it is no id, or none is known */
function padIdOf({ specialTokens, vocabSize }: Tokenizer, { padId }: BatchOptions): TokenId {
  if (padId !== undefined) {
    if (padId < vocabSize) return padId;
    throw new InvalidBatchOptionError("padId", padId, `an id below the vocabulary's size, ${vocabSize}`);
  }
  for (const name of ["<pad>", "[PAD]", "<|pad|>", "<|endoftext|>"]) {
    const id = specialTokens.get(name);
    if (id !== undefined) return id;
  }
  throw new InvalidBatchOptionError("padId", undefined, "an id: this tokenizer has no token that is known to fill up");
}

function checkOptions(options: BatchOptions): void {
  const least = { maxLength: 1, stride: 0, padToMultipleOf: 1, padId: 0 } as const;
  for (const [name, minimum] of Object.entries(least)) {
    const value = options[name as keyof typeof least];
    if (value === undefined || (Number.isSafeInteger(value) && value >= minimum)) continue;
    throw new InvalidBatchOptionError(name, value, `a whole number from ${minimum}`);
  }
  if (options.padding === "maxLength" || options.stride !== undefined) {
    if (options.maxLength === undefined)
      throw new InvalidBatchOptionError("maxLength", undefined, "the length of a row");
  }
}
