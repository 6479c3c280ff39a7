import { checkTokens, type LanguageModel } from "@tessera-lm/layers";
import type { DistributionOptions } from "@tessera-lm/ops";
import { EncoderDecoder } from "../encoder-decoder/encoder-decoder.ts";
import { GenerationError, SequenceTooLongError } from "../errors.ts";
import { requireOptions } from "../require-argument.ts";
import { checkSamplingOptions, isNumber, outOfRange, requireWhole } from "./sampling.ts";

/** A language model whose every token sees only those before it, so that it can continue a text: no `Encoder`. */
export type CausalLanguageModel = LanguageModel & { readonly causal?: true };

/** What generation from one prompt or many may be told. */
export interface CommonOptions extends DistributionOptions {
  /** How many tokens at most. `Infinity`: until a stop token, a stop string, the signal, or whoever reads it ends the text. */
  readonly maxNewTokens: number;
  /** Divides positive logits of tokens that have come, and multiplies negative ones; above 1 less repetition. Default 1. */
  readonly repetitionPenalty?: number;
  /** The same seed gives the same text. Default 0. */
  readonly seed?: number;
  /** Tokens that end the text; they are not part of it. Default: those of the model; with `[]` none does. */
  readonly stopTokens?: Iterable<number>;
  /** Texts that end the text; no token that has a part of one is given. Needs a decoder. Default: none. */
  readonly stopStrings?: readonly string[];
  /**
   * Report log p of each token, and of this many of the likeliest ones: in nats, of the model's own distribution,
   * before temperature, penalty and filters. Default: no report.
   */
  readonly logProbabilities?: number;
  /** Let the model see the last tokens of a prompt that is longer than its context, instead of refusing it. Default false. */
  readonly truncatePrompt?: boolean;
  /** How many tokens of each prompt go through the model at once: fewer take less memory. Default 512. */
  readonly chunkSize?: number;
  /** Ends the text early, after the token that is being computed. */
  readonly signal?: AbortSignal;
}

/** Turns the ids of one text, one by one, into text, such as the tokenizer's `decodeStream(tokenizer, { after: prompt })`. */
export interface TokenDecoder {
  /** The text that is certain after this id, often none. */
  push(token: number): string;
  /** The rest of the text. */
  end(): string;
}

/** A smaller model of the same vocabulary that guesses what comes next (Leviathan et al. 2023). */
export interface Draft {
  readonly model: CausalLanguageModel;
  /** How many tokens it guesses at a time. Default 4. */
  readonly count?: number;
}

/** What generation from one prompt may be told. */
export interface GenerateOptions extends CommonOptions {
  /** Makes the text of the events, and finds stop strings. */
  readonly decoder?: TokenDecoder;
  /** Guesses tokens, of which the model then reads several at once: the same text, or the same distribution, sooner. */
  readonly draft?: Draft;
}

/** What generation from many prompts may be told. */
export interface BatchOptions extends CommonOptions {
  /** Prompt i is continued as it is alone with the seed `seed + i`. Default 0. */
  readonly seed?: number;
  /** Makes the decoder of each prompt. */
  readonly decoder?: (prompt: number) => TokenDecoder;
}

export const DEFAULT_CHUNK_SIZE = 512;
export const DEFAULT_DRAFT_COUNT = 4;

/** The tokens that end a text: those that are asked for, or the model's own. */
export function stopTokensOf(
  model: Pick<LanguageModel, "stopTokens">,
  { stopTokens = model.stopTokens ?? [] }: Pick<CommonOptions, "stopTokens">,
  where = "generate",
): ReadonlySet<number> {
  if (!isList(stopTokens)) throw outOfRange("stopTokens", stopTokens, "a list of tokens", where);
  const tokens = new Set(stopTokens);
  for (const token of tokens) requireWhole("a token of stopTokens", token, 0, where);
  return tokens;
}

/** @throws {GenerationError} for what is no signal */
export function checkSignal(signal: AbortSignal | undefined, where = "generate"): void {
  if (signal === undefined || typeof signal?.aborted === "boolean") return;
  throw outOfRange("signal", signal, "the signal of an AbortController", where);
}

/** @throws {GenerationError} for what is no language model, and for an encoder or encoder-decoder, as JavaScript lets through */
export function checkModel(model: CausalLanguageModel, where = "generate"): void {
  if (typeof model?.forward !== "function") {
    throw outOfRange("the model", model, "a language model, such as await loadModel(folder)", where);
  }
  if ((model.causal as boolean | undefined) === false) {
    throw new GenerationError(
      `${where}: the model is an encoder, whose tokens see those after them too: it cannot continue a text. Take a decoder.`,
    );
  }
  if ((model as object) instanceof EncoderDecoder) {
    throw new GenerationError(
      `${where}: the model is an encoder-decoder, which writes a text from another one: continue model.reading(inputs).`,
    );
  }
}

/** Whether it can be gone through, and is no text, whose parts are characters. */
export const isList = (value: unknown): value is Iterable<unknown> =>
  typeof value === "object" && value !== null && Symbol.iterator in value;

/** @throws {GenerationError} for an option out of range */
export function checkOptions(options: CommonOptions & { readonly decoder?: unknown; readonly draft?: Draft }): void {
  requireOptions("generate", options, "such as { maxNewTokens: 100 }");
  const { repetitionPenalty = 1, logProbabilities = 0, chunkSize = 1, stopStrings = [], draft } = options;
  const { seed = 0, signal } = options;
  checkSamplingOptions(options);
  if (options.maxNewTokens !== Infinity) requireWhole("maxNewTokens", options.maxNewTokens, 0);
  requireWhole("logProbabilities", logProbabilities, 0);
  requireWhole("chunkSize", chunkSize, 1);
  requireWhole("draft.count", draft?.count ?? 1, 1);
  if (!Number.isSafeInteger(seed)) throw outOfRange("seed", seed, "a whole number");
  checkSignal(signal);
  if (!(isNumber(repetitionPenalty) && repetitionPenalty > 0 && repetitionPenalty < Infinity)) {
    throw outOfRange("repetitionPenalty", repetitionPenalty, "a positive number");
  }
  if (!Array.isArray(stopStrings) || !stopStrings.every((text) => typeof text === "string" && text !== "")) {
    throw outOfRange("stopStrings", stopStrings, "a list of texts that are not empty");
  }
  if (stopStrings.length > 0 && options.decoder === undefined) {
    throw new GenerationError(
      "generate: stopStrings need a decoder, such as decodeStream(tokenizer, { after: prompt }) of @tessera-lm/tokenizer.",
    );
  }
}

/** @throws {GenerationError} for what makes no text of tokens, such as the tokenizer itself */
export function checkDecoder(decoder: TokenDecoder | undefined): void {
  if (!decoder || (typeof decoder.push === "function" && typeof decoder.end === "function")) return;
  throw outOfRange(
    "decoder",
    decoder,
    "one such as decodeStream(tokenizer, { after: prompt }) of @tessera-lm/tokenizer",
  );
}

/** @throws {GenerationError} if the draft has another vocabulary than the model */
export function checkDraft(model: CausalLanguageModel, draft: Draft | undefined): void {
  if (draft === undefined) return;
  if (typeof draft?.model?.forward !== "function")
    throw outOfRange("draft", draft, "{ model }, of another language model");
  checkModel(draft.model, "generate: draft");
  if (draft.model.vocabSize === model.vocabSize) return;
  throw new GenerationError(
    `generate: the draft knows ${draft.model.vocabSize} tokens and the model ${model.vocabSize}; both must have the same vocabulary.`,
  );
}

/** @throws {GenerationError} if there is a draft, which only guesses for one prompt */
export function checkNoDraft(options: object): void {
  if (!("draft" in options) || options.draft === undefined) return;
  throw new GenerationError("generateBatch: there is no draft for many prompts. Leave it out, or continue one prompt.");
}

/**
 * The tokens of a prompt.
 * @throws {GenerationError} if there are none, and for a model that cannot continue a text
 * @throws {VocabularyError} for a token that the model does not know
 * @throws {SequenceTooLongError} for more of them than the context has room for, unless `truncatePrompt`
 */
export function checkPrompt(
  model: CausalLanguageModel,
  prompt: Iterable<number>,
  { truncatePrompt = false }: Pick<CommonOptions, "truncatePrompt">,
  where = "generate",
  room?: number,
): number[] {
  checkModel(model, where);
  if (!isList(prompt))
    throw outOfRange("the prompt", prompt, "a list of tokens, such as tokenizer.encode(text)", where);
  const tokens = [...prompt];
  if (tokens.length === 0) {
    throw new GenerationError(
      `${where}: the prompt is empty. Start with a token, such as the one that separates texts.`,
    );
  }
  checkTokens(tokens, model.vocabSize);
  const most = room ?? model.contextLength;
  if (tokens.length <= most || truncatePrompt) return tokens;
  const advice = "Shorten the prompt, or let the model see its last tokens with truncatePrompt: true.";
  throw new SequenceTooLongError(where, tokens.length, most, advice);
}
