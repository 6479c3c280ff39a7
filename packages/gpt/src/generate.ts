import { tensor2d, tidy } from "@tensorflow/tfjs";
import { breathe, checkTokens, type LanguageModel, randomGenerator } from "@tessera-lm/layers";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { GenerationError } from "./errors.ts";
import { checkSamplingOptions, outOfRange, pickToken, type SamplingOptions, tokenProbabilities } from "./sampling.ts";

export interface GenerateOptions extends SamplingOptions {
  /** How many tokens at most. */
  readonly maxNewTokens: number;
  /** The same seed gives the same text. Default 0. */
  readonly seed?: number;
  /** Tokens that end the text; they are not part of it. Default: none. */
  readonly stopTokens?: Iterable<number>;
  /** Ends the text early, after the token that is being computed. */
  readonly signal?: AbortSignal;
}

/**
 * Continues a prompt: yields one token id after the other, each drawn from the model's distribution at the last
 * position. The model sees the last `contextLength` tokens. Between two tokens the event loop runs.
 * @throws {GenerationError} at once, for an option out of range or an empty prompt; while running, for logits that are
 * not numbers
 * @throws {VocabularyError} at once, for a token of the prompt that the model does not know
 */
export function generate(
  model: LanguageModel,
  prompt: Iterable<number>,
  options: GenerateOptions,
): AsyncGenerator<number> {
  const { maxNewTokens } = options;
  checkSamplingOptions(options);
  if (!Number.isInteger(maxNewTokens) || maxNewTokens < 0) {
    throw outOfRange("maxNewTokens", maxNewTokens, "a whole number of at least 0");
  }
  const tokens = [...prompt];
  if (tokens.length === 0) {
    throw new GenerationError(
      "generate: the prompt is empty. Start with a token, such as the one that separates texts.",
    );
  }
  checkTokens(tokens, model.vocabSize);
  return continuation(model, tokens, options);
}

async function* continuation(model: LanguageModel, tokens: number[], options: GenerateOptions): AsyncGenerator<number> {
  const random = randomGenerator(options.seed ?? 0);
  const stopTokens = new Set(options.stopTokens);
  for (let count = 0; count < options.maxNewTokens; count++) {
    await breathe();
    if (options.signal?.aborted) return;
    const logits = await lastLogits(model, tokens);
    const next = pickToken(tokenProbabilities(logits, options), uniformFloat64(random));
    if (options.signal?.aborted || stopTokens.has(next)) return;
    tokens.push(next);
    yield next;
  }
}

/** The logits of the token after the last one, (V). */
async function lastLogits(model: LanguageModel, tokens: readonly number[]): Promise<Float32Array> {
  const window = tokens.slice(-model.contextLength);
  const logits = tidy(() => {
    const input = tensor2d(window, [1, window.length], "int32"); // (1, T)
    return model.forward(input, { lastOnly: true }).flatten(); // (V)
  });
  try {
    return await logits.data<"float32">();
  } finally {
    logits.dispose();
  }
}
