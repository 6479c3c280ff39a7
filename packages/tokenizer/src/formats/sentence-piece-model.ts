import type { Merge } from "../byte-pair/merges.ts";
import { MalformedTokenizerError, UnsupportedTokenizerError } from "../errors.ts";
import type { Part } from "../parts.ts";
import { PipelineTokenizer } from "../pipeline.ts";
import { sentencePiece } from "../sentence-piece.ts";
import type { TokenId } from "../tokenizer.ts";
import { describeAddedToken } from "./definition.ts";
import { bytesOf, float32, numberOf, readFields, textOf } from "./protobuf.ts";

/** What a SentencePiece `.model` leaves unsaid. */
export interface SentencePieceOptions {
  /** The token that `addSpecialTokens` puts before a text. Default: `<s>` of BPE (Llama, Mistral). */
  readonly beginOfText?: string | null;
  /** The token that `addSpecialTokens` puts after a text. Default: `</s>` of Unigram (T5). */
  readonly endOfText?: string | null;
}

/** The types of a piece in sentencepiece_model.proto, and of a token in GGUF. */
export const NORMAL = 1;
export const UNKNOWN = 2;
export const CONTROL = 3;
export const USER_DEFINED = 4;
export const UNUSED = 5;
export const BYTE = 6;

const UNIGRAM = 1;
export const BPE = 2;

export interface Piece {
  readonly text: string;
  readonly score: number;
  readonly type: number;
}

/** What a SentencePiece `.model` says. */
export interface SentencePieceModel {
  readonly pieces: readonly Piece[];
  readonly modelType: number;
  readonly byteFallback: boolean;
  readonly charsmap: Uint8Array;
  readonly addsSpace: boolean;
  readonly removesSpaces: boolean;
}

/**
 * The tokenizer in a SentencePiece `.model` of type BPE or Unigram: Llama 2, Mistral, T5. It encodes as SentencePiece
 * does; saved as `tokenizer.json` it does what Hugging Face's tokenizers make of the same parts.
 *
 * @throws MalformedTokenizerError naming the field or piece at fault
 * @throws UnsupportedTokenizerError naming the setting that this package does not implement
 */
export function tokenizerFromSentencePiece(bytes: Uint8Array, options: SentencePieceOptions = {}): PipelineTokenizer {
  return sentencePieceTokenizer(readModel(bytes), options);
}

/** The tokenizer that SentencePiece makes of a model, whatever file the model was in. */
export function sentencePieceTokenizer(model: SentencePieceModel, options: SentencePieceOptions): PipelineTokenizer {
  const isBpe = model.modelType === BPE;
  const { beginOfText = isBpe ? "<s>" : null, endOfText = isBpe ? null : "</s>" } = options;
  return new PipelineTokenizer({
    added_tokens: model.pieces.flatMap(describeAdded),
    normalizer: describeNormalizer(model),
    pre_tokenizer: null,
    post_processor: describeTemplate(model, beginOfText, endOfText),
    decoder: describeDecoder(model),
    model: isBpe ? describeBpe(model) : describeUnigram(model),
  });
}

function readModel(bytes: Uint8Array): SentencePieceModel {
  const pieces: Piece[] = [];
  const model = {
    modelType: UNIGRAM,
    byteFallback: false,
    charsmap: new Uint8Array(),
    addsSpace: true,
    removesSpaces: true,
  };
  for (const field of readFields(bytes, "model")) {
    if (field.number === 1) pieces.push(readPiece(bytesOf(field), `pieces[${pieces.length}]`));
    if (field.number === 2) readTrainerSpec(bytesOf(field), model);
    if (field.number === 3) readNormalizerSpec(bytesOf(field), model);
  }
  if (pieces.length === 0) throw new MalformedTokenizerError("model", "it has no pieces; is it a SentencePiece model?");
  return { ...model, pieces };
}

function readPiece(bytes: Uint8Array, place: string): Piece {
  let [text, score, type] = ["", 0, NORMAL];
  for (const field of readFields(bytes, place)) {
    if (field.number === 1) text = textOf(field);
    if (field.number === 2) score = float32(numberOf(field));
    if (field.number === 3) type = numberOf(field);
  }
  if (text === "") throw new MalformedTokenizerError(place, "it is empty.");
  if (Number.isNaN(score)) throw new MalformedTokenizerError(place, "its score is not a number.");
  return { text, score, type };
}

type Settings = { -readonly [K in Exclude<keyof SentencePieceModel, "pieces">]: SentencePieceModel[K] };

function readTrainerSpec(bytes: Uint8Array, model: Settings): void {
  for (const field of readFields(bytes, "trainer_spec")) {
    if (field.number === 3) model.modelType = numberOf(field);
    if (field.number === 35) model.byteFallback = numberOf(field) !== 0;
    if (field.number === 24 && numberOf(field) !== 0) throw unsupported("treat_whitespace_as_suffix");
  }
  if (model.modelType !== UNIGRAM && model.modelType !== BPE)
    throw new UnsupportedTokenizerError(`SentencePiece model type ${model.modelType}`, "Unigram (1) and BPE (2) are.");
}

function readNormalizerSpec(bytes: Uint8Array, model: Settings): void {
  for (const field of readFields(bytes, "normalizer_spec")) {
    if (field.number === 2) model.charsmap = bytesOf(field);
    if (field.number === 3) model.addsSpace = numberOf(field) !== 0;
    if (field.number === 4) model.removesSpaces = numberOf(field) !== 0;
    if (field.number === 5 && numberOf(field) === 0) throw unsupported("escape_whitespaces = false");
  }
}

function unsupported(setting: string): UnsupportedTokenizerError {
  return new UnsupportedTokenizerError(`SentencePiece setting ${setting}`, "spaces must be ▁ before words.");
}

/** What is not found in text as SentencePiece reads it is special; what the user defined always is. */
function describeAdded({ text, type }: Piece, id: TokenId): object[] {
  if (type !== CONTROL && type !== UNKNOWN && type !== USER_DEFINED) return [];
  return [describeAddedToken(text, id, type !== USER_DEFINED)];
}

function describeNormalizer({ charsmap, addsSpace, removesSpaces }: SentencePieceModel): Part | null {
  const replace = (pattern: object, content: string): Part => ({ type: "Replace", pattern, content });
  const normalizers: Part[] = [];
  if (charsmap.length > 0)
    normalizers.push({ type: "Precompiled", precompiled_charsmap: base64(charsmap), [sentencePiece]: true } as Part);
  if (removesSpaces) normalizers.push(replace({ Regex: "^ +| +$" }, ""), replace({ Regex: " {2,}" }, " "));
  if (addsSpace) normalizers.push({ type: "Prepend", prepend: "▁" });
  normalizers.push(replace({ String: " " }, "▁"));
  return { type: "Sequence", normalizers };
}

function base64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function describeDecoder({ addsSpace }: SentencePieceModel): Part {
  const replace = { type: "Replace", pattern: { String: "▁" }, content: " " };
  const strip = addsSpace ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : [];
  return { type: "Sequence", decoders: [replace, { type: "ByteFallback" }, { type: "Fuse" }, ...strip] };
}

function describeTemplate({ pieces }: SentencePieceModel, begin: string | null, end: string | null): Part | null {
  const tokens = [begin, end].filter((token) => pieces.some(({ text }) => text === token)) as string[];
  if (tokens.length === 0) return null;
  const around = (text: string, type_id: number): object[] => [
    ...(begin !== null && tokens.includes(begin) ? [{ SpecialToken: { id: begin, type_id } }] : []),
    { Sequence: { id: text, type_id } },
    ...(end !== null && tokens.includes(end) ? [{ SpecialToken: { id: end, type_id } }] : []),
  ];
  const idOf = (token: string): TokenId => pieces.findIndex(({ text }) => text === token);
  return {
    type: "TemplateProcessing",
    single: around("A", 0),
    pair: [...around("A", 0), ...around("B", begin === null ? 0 : 1)],
    special_tokens: Object.fromEntries(tokens.map((id) => [id, { id, ids: [idOf(id)], tokens: [id] }])),
  };
}

function describeUnigram({ pieces, byteFallback }: SentencePieceModel): Part {
  const absent = new Set<TokenId>();
  pieces.forEach(({ type }, id) => type === NORMAL || type === USER_DEFINED || absent.add(id));
  return {
    type: "Unigram",
    unk_id: unknownId(pieces),
    vocab: pieces.map(({ text, score }) => [text, score]),
    byte_fallback: byteFallback,
    [sentencePiece]: { absent },
  } as Part;
}

function describeBpe({ pieces, byteFallback }: SentencePieceModel): Part {
  const { merges, ranks } = mergesOf(pieces);
  return {
    type: "BPE",
    dropout: null,
    unk_token: pieces[unknownId(pieces)]?.text ?? null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: true,
    byte_fallback: byteFallback,
    ignore_merges: false,
    vocab: Object.fromEntries(pieces.map(({ text }, id) => [text, id])),
    merges,
    [sentencePiece]: { ranks },
  } as Part;
}

function unknownId(pieces: readonly Piece[]): TokenId {
  const id = pieces.findIndex(({ type }) => type === UNKNOWN);
  if (id < 0) throw new MalformedTokenizerError("pieces", "none is the unknown one (type 2).");
  return id;
}

/**
 * SentencePiece merges any two pieces that spell a third, the one of the highest score first. Ways to make the same piece
 * are equals; where a list must rank them, as a `tokenizer.json` does, those of shorter pieces come last.
 */
function mergesOf(pieces: readonly Piece[]): { readonly merges: Merge[]; readonly ranks: Int32Array } {
  const ids = new Map<string, TokenId>();
  pieces.forEach(({ text, type }, id) => {
    if (type === UNUSED) throw new UnsupportedTokenizerError(`unused piece ${JSON.stringify(text)}`, "BPE has none.");
    if (type === NORMAL) ids.set(text, id);
  });
  const score = (id: TokenId): number => (pieces[id] as Piece).score;
  const byScore = [...ids].sort(([, a], [, b]) => score(b) - score(a) || a - b);
  const merges: Merge[] = [];
  const ranks: number[] = [];
  for (const [text] of byScore) {
    const rank = merges.length;
    const ways: Merge[] = [];
    for (let cut = 1; cut < text.length; cut++) {
      const [left, right] = [text.slice(0, cut), text.slice(cut)];
      if (ids.has(left) && ids.has(right)) ways.push([left, right]);
    }
    ways.sort(([a], [b]) => b.length - a.length);
    for (const way of ways) {
      merges.push(way);
      ranks.push(rank);
    }
  }
  return { merges, ranks: Int32Array.from(ranks) };
}
