import { requireTexts } from "./arguments.ts";
import { InvalidArgumentError } from "./errors.ts";
import { PipelineTokenizer } from "./pipeline.ts";
import { makePostProcessor, ONLY_TEXT, type Template, type TemplatePlace } from "./post-process/post-processors.ts";
import type { EncodeOptions, TokenId, Tokenizer } from "./tokenizer.ts";

/** Texts as the rows of one rectangle of ids, ready for a model. */
export interface EncodedBatch {
  readonly inputs: Int32Array; // (B, T) row-major
  /** For each token the segment that it belongs to, as BERT's segment embeddings count them; 0 where a row is filled up. */
  readonly typeIds: Int32Array; // (B, T) row-major
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
 * @param texts or pairs of texts, such as a question and a passage. Of a pair the longer text is cut first; with `stride`
 *   the second alone, and each of its windows has the first before it.
 * @throws InvalidArgumentError for what are no texts, if an option is out of range, or none says with what to fill rows up
 */
export function encodeBatch(
  tokenizer: Tokenizer,
  texts: Iterable<string | readonly [first: string, second: string]>,
  options: BatchOptions = {},
): EncodedBatch {
  checkOptions(options);
  requireTexts(texts);
  const all = templatesOf(tokenizer, options);
  const known = new Map<keyof Template, readonly TemplatePlace[]>();
  const rows: Row[] = [];
  const textIndex: number[] = [];
  let index = 0;
  for (const text of texts) {
    const parts = [text].flat();
    const kind = KINDS[parts.length];
    if (kind === undefined) throw new InvalidArgumentError("texts", text, "each a text or a pair of texts");
    const ids = parts.map((part) => tokenizer.encode(part, { ...options, addSpecialTokens: false }));
    const template = known.get(kind) ?? withEachOnce(all, kind);
    known.set(kind, template);
    for (const row of rowsOf(template, ids, options)) {
      rows.push(row);
      textIndex.push(index);
    }
    index++;
  }
  return { ...fillUp(rows, tokenizer, options), textIndex: Int32Array.from(textIndex) };
}

/** What a row is by the number of its texts. */
const KINDS = [undefined, "single", "pair"] as const;

/** Ids, and of which type those of each part are. */
interface Row {
  readonly parts: readonly { readonly ids: ArrayLike<TokenId>; readonly typeId: number }[];
  readonly length: number;
}

/** What stands in a row with one text, and in one with two. Segments are the template's even without its tokens. */
function templatesOf(tokenizer: Tokenizer, { addSpecialTokens }: BatchOptions): Template {
  if (!(tokenizer instanceof PipelineTokenizer)) return ONLY_TEXT;
  const all = makePostProcessor(tokenizer.definition.post_processor, "post_processor")?.template ?? ONLY_TEXT;
  if (addSpecialTokens) return all;
  const texts = (places: readonly TemplatePlace[]): TemplatePlace[] => places.filter(({ text }) => text !== undefined);
  return { single: texts(all.single), pair: texts(all.pair) };
}

function withEachOnce(template: Template, kind: keyof Template): readonly TemplatePlace[] {
  const texts = template[kind].flatMap(({ text }) => text ?? []);
  if (texts.join() === ONLY_TEXT[kind].map(({ text }) => text).join()) return template[kind];
  throw new InvalidArgumentError("addSpecialTokens", true, "a tokenizer whose template has each text once");
}

/** The rows of one text or pair: itself, what is kept of it, or all windows of the last text. */
function* rowsOf(
  template: readonly TemplatePlace[],
  texts: readonly Uint32Array[],
  options: BatchOptions,
): Generator<Row> {
  const { maxLength = Number.POSITIVE_INFINITY, stride } = options;
  const numAdded = template.reduce((sum, { ids }) => sum + ids.length, 0);
  const space = maxLength - numAdded;
  if (space < 0) {
    throw new InvalidArgumentError("maxLength", maxLength, `at least ${numAdded}, the special tokens alone`);
  }
  const isWhole = texts.reduce((sum, { length }) => sum + length, 0) <= space;
  const kept = stride === undefined || isWhole ? shorten(texts, space, options) : windows(texts, space, options);
  for (const each of kept) {
    const parts = template.map(({ ids, text, typeId }) => ({
      ids: text === undefined ? ids : (each[text] as Uint32Array),
      typeId,
    }));
    yield { parts, length: parts.reduce((sum, { ids }) => sum + ids.length, 0) };
  }
}

/** What is kept of texts that may have so many tokens together. The longer of two is cut until both are as long. */
function* shorten(texts: readonly Uint32Array[], space: number, options: BatchOptions): Generator<Uint32Array[]> {
  const { truncationSide = "right" } = options;
  const lengths = texts.map(({ length }) => length);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (total > space && texts.length === 1) lengths[0] = space;
  if (total > space && texts.length === 2) {
    const [shorter, longer] = (lengths[0] as number) > (lengths[1] as number) ? [1, 0] : [0, 1];
    lengths[shorter] = Math.min(lengths[shorter] as number, Math.floor(space / 2));
    lengths[longer] = space - (lengths[shorter] as number);
  }
  yield texts.map((ids, index) => {
    const start = truncationSide === "right" ? 0 : ids.length - (lengths[index] as number);
    return ids.subarray(start, start + (lengths[index] as number));
  });
}

/** The windows of the last text, each with the others whole. */
function* windows(texts: readonly Uint32Array[], space: number, options: BatchOptions): Generator<Uint32Array[]> {
  const { truncationSide = "right", stride = 0 } = options;
  const others = texts.slice(0, -1);
  const ids = texts.at(-1) as Uint32Array;
  const width = space - others.reduce((sum, { length }) => sum + length, 0);
  if (stride >= width) {
    throw new InvalidArgumentError("stride", stride, `less than ${width}, what maxLength leaves for text`);
  }
  for (let cutOff = 0; cutOff === 0 || cutOff + stride < ids.length; cutOff += width - stride) {
    const start = truncationSide === "right" ? cutOff : Math.max(0, ids.length - cutOff - width);
    const end = Math.min(ids.length, truncationSide === "right" ? cutOff + width : ids.length - cutOff);
    yield [...others, ids.subarray(start, end)];
  }
}

/** The rows, all as long as the longest or as the options say. */
function fillUp(rows: readonly Row[], tokenizer: Tokenizer, options: BatchOptions): Omit<EncodedBatch, "textIndex"> {
  const { maxLength = 0, padding = "longest", padToMultipleOf = 1, paddingSide = "right" } = options;
  const longest = padding === "maxLength" ? maxLength : rows.reduce((most, row) => Math.max(most, row.length), 0);
  const length = Math.ceil(longest / padToMultipleOf) * padToMultipleOf;
  const inputs = new Int32Array(rows.length * length);
  if (rows.some((row) => row.length < length)) inputs.fill(padIdOf(tokenizer, options));
  const typeIds = new Int32Array(inputs.length);
  const attentionMask = new Int32Array(inputs.length);
  rows.forEach((row, index) => {
    let start = index * length + (paddingSide === "left" ? length - row.length : 0);
    attentionMask.fill(1, start, start + row.length);
    for (const { ids, typeId } of row.parts) {
      inputs.set(ids, start);
      typeIds.fill(typeId, start, start + ids.length);
      start += ids.length;
    }
  });
  return { inputs, typeIds, attentionMask, shape: [rows.length, length] };
}

/** @throws InvalidArgumentError if it is no id, or none is known */
function padIdOf({ specialTokens, vocabSize }: Tokenizer, { padId }: BatchOptions): TokenId {
  if (padId !== undefined) {
    if (padId < vocabSize) return padId;
    throw new InvalidArgumentError("padId", padId, `an id below the vocabulary's size, ${vocabSize}`);
  }
  for (const name of ["<pad>", "[PAD]", "<|pad|>", "<|endoftext|>"]) {
    const id = specialTokens.get(name);
    if (id !== undefined) return id;
  }
  throw new InvalidArgumentError("padId", undefined, "an id: this tokenizer has no padding token");
}

function checkOptions(options: BatchOptions): void {
  const least = { maxLength: 1, stride: 0, padToMultipleOf: 1, padId: 0 } as const;
  for (const [name, minimum] of Object.entries(least)) {
    const value = options[name as keyof typeof least];
    if (value === undefined || (Number.isInteger(value) && value >= minimum && value < 2 ** 31)) continue;
    throw new InvalidArgumentError(name, value, `a whole number from ${minimum}, below 2^31`);
  }
  const sides = ["left", "right"];
  const choices = { truncationSide: sides, paddingSide: sides, padding: ["longest", "maxLength"] };
  for (const [name, known] of Object.entries(choices)) {
    const value = options[name as keyof typeof choices];
    if (value === undefined || known.includes(value)) continue;
    throw new InvalidArgumentError(name, value, known.join(" or "));
  }
  if (options.padding === "maxLength" || options.stride !== undefined) {
    if (options.maxLength === undefined) throw new InvalidArgumentError("maxLength", undefined, "the length of a row");
  }
}
