import type { Merge } from "../byte-pair/merges.ts";
import { MalformedTokenizerError, UnsupportedTokenizerError } from "../errors.ts";
import type { Part } from "../parts.ts";
import { PipelineTokenizer } from "../pipeline.ts";
import {
  type DecoderRules,
  type ModelRules,
  type NormalizerRules,
  SENTENCE_PIECE,
  type SpaceRules,
} from "../sentence-piece.ts";
import type { TokenId } from "../tokenizer.ts";
import { describeAddedToken, describeBpe, describeTemplate } from "./definition.ts";
import { bytesOf, flagOf, floatOf, numberOf, readMessage, textOf } from "./protobuf.ts";

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
  /** What the unknown token is decoded to. */
  readonly unknownSurface: string;
}

export const UNKNOWN_SURFACE = " ⁇ ";

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
  const ids = new Map(model.pieces.map(({ text }, id) => [text, id]));
  const [begin, end] = [beginOfText, endOfText].map((name) => {
    const id = ids.get(name ?? "");
    return name === null || id === undefined ? undefined : ([name, id] as const);
  });
  return new PipelineTokenizer({
    added_tokens: model.pieces.flatMap(describeAdded),
    normalizer: describeNormalizer(model),
    pre_tokenizer: null,
    post_processor: begin || end ? describeTemplate(begin, end) : null,
    decoder: describeDecoder(model),
    model: isBpe ? describePairs(model) : describeUnigram(model),
  });
}

function readModel(bytes: Uint8Array): SentencePieceModel {
  const pieces: Piece[] = [];
  const { 2: trainer, 3: normalizer } = readMessage(bytes, "model", {
    1: (field) => pieces.push(readPiece(bytesOf(field), `pieces[${pieces.length}]`)),
    2: (field) => readMessage(bytesOf(field), "trainer_spec", { 3: numberOf, 24: flagOf, 35: flagOf, 44: textOf }),
    3: (field) => readMessage(bytesOf(field), "normalizer_spec", { 2: bytesOf, 3: flagOf, 4: flagOf, 5: flagOf }),
  });
  if (pieces.length === 0) throw new MalformedTokenizerError("model", "it has no pieces; is it a SentencePiece model?");
  if (trainer === undefined || normalizer === undefined)
    throw new MalformedTokenizerError("model", "trainer_spec or normalizer_spec is missing.");
  const { 3: modelType = UNIGRAM, 24: putsSpacesAfterWords = false } = trainer;
  const { 35: byteFallback = false, 44: unknownSurface = UNKNOWN_SURFACE } = trainer;
  if (modelType !== UNIGRAM && modelType !== BPE)
    throw new UnsupportedTokenizerError(`SentencePiece model type ${modelType}`, "Unigram (1) and BPE (2) are.");
  if (putsSpacesAfterWords) throw unsupported("treat_whitespace_as_suffix");
  const {
    2: charsmap = new Uint8Array(),
    3: addsSpace = true,
    4: removesSpaces = true,
    5: escapes = true,
  } = normalizer;
  if (!escapes) throw unsupported("escape_whitespaces = false");
  return { pieces, modelType, byteFallback, charsmap, addsSpace, removesSpaces, unknownSurface };
}

function readPiece(bytes: Uint8Array, place: string): Piece {
  const fields = readMessage(bytes, place, { 1: textOf, 2: floatOf, 3: numberOf });
  const { 1: text = "", 2: score = 0, 3: type = NORMAL } = fields;
  if (text === "") throw new MalformedTokenizerError(place, "it is empty.");
  if (Number.isNaN(score)) throw new MalformedTokenizerError(place, "its score is not a number.");
  return { text, score, type };
}

function unsupported(setting: string): UnsupportedTokenizerError {
  return new UnsupportedTokenizerError(`SentencePiece setting ${setting}`, "spaces must be ▁ before words.");
}

/** What is not found in text as SentencePiece reads it is special; what the user defined its model finds itself. */
function describeAdded({ text, type }: Piece, id: TokenId): object[] {
  if (type === USER_DEFINED) return [{ ...describeAddedToken(text, id, false), [SENTENCE_PIECE]: {} }];
  return type === CONTROL || type === UNKNOWN ? [describeAddedToken(text, id)] : [];
}

function spaceRules({ addsSpace, removesSpaces }: SentencePieceModel): SpaceRules {
  return { add_dummy_prefix: addsSpace, remove_extra_whitespaces: removesSpaces };
}

/** The parts come near to the rules, for those who read a `tokenizer.json`. */
function describeNormalizer(model: SentencePieceModel): Part {
  const { charsmap, addsSpace, removesSpaces } = model;
  const replace = (pattern: object, content: string): Part => ({ type: "Replace", pattern, content });
  const normalizers: Part[] = [];
  if (charsmap.length > 0) normalizers.push({ type: "Precompiled", precompiled_charsmap: base64(charsmap) });
  if (removesSpaces) normalizers.push(replace({ Regex: "\\A +| +\\z" }, ""), replace({ Regex: " {2,}" }, " "));
  if (addsSpace) normalizers.push({ type: "Prepend", prepend: "▁" });
  normalizers.push(replace({ String: " " }, "▁"));
  const isUserDefined = ({ type }: Piece): boolean => type === USER_DEFINED;
  const texts = model.pieces.filter(isUserDefined).map(({ text }) => text);
  const rules: NormalizerRules = { ...spaceRules(model), user_defined: texts };
  return { type: "Sequence", normalizers, [SENTENCE_PIECE]: rules };
}

function base64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function describeDecoder(model: SentencePieceModel): Part {
  const { addsSpace, byteFallback, pieces, unknownSurface } = model;
  const replace = { type: "Replace", pattern: { String: "▁" }, content: " " };
  const strip = addsSpace ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : [];
  const decoders = [replace, { type: "ByteFallback" }, { type: "Fuse" }, ...strip];
  const unknown = (pieces[unknownId(pieces)] as Piece).text;
  const rules: DecoderRules = {
    ...spaceRules(model),
    byte_fallback: byteFallback,
    unk_piece: unknown,
    unk_surface: unknownSurface,
  };
  return { type: "Sequence", decoders, [SENTENCE_PIECE]: rules };
}

function describeUnigram({ pieces, byteFallback }: SentencePieceModel): Part {
  const rules: ModelRules = {
    absent: idsOf(pieces, (type) => type !== NORMAL && type !== USER_DEFINED),
    user_defined: idsOf(pieces, (type) => type === USER_DEFINED),
  };
  return {
    type: "Unigram",
    unk_id: unknownId(pieces),
    vocab: pieces.map(({ text, score }) => [text, score]),
    byte_fallback: byteFallback,
    [SENTENCE_PIECE]: rules,
  };
}

function describePairs({ pieces, byteFallback }: SentencePieceModel): Part {
  const { merges, ranks } = mergesOf(pieces);
  const settings = {
    unk_token: pieces[unknownId(pieces)]?.text ?? null,
    fuse_unk: true,
    byte_fallback: byteFallback,
    vocab: Object.fromEntries(pieces.map(({ text }, id) => [text, id])),
    merges,
  };
  const rules: ModelRules = { ranks, user_defined: idsOf(pieces, (type) => type === USER_DEFINED) };
  return { ...describeBpe(settings), [SENTENCE_PIECE]: rules };
}

function idsOf(pieces: readonly Piece[], isWanted: (type: number) => boolean): TokenId[] {
  return pieces.flatMap(({ type }, id) => (isWanted(type) ? [id] : []));
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
function mergesOf(pieces: readonly Piece[]): { readonly merges: Merge[]; readonly ranks: readonly number[] } {
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
  return { merges, ranks };
}
