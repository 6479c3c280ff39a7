import type { Activation } from "@tessera-lm/layers";
import {
  ACTIVATIONS,
  checkCounts,
  checkDropout,
  checkFlags,
  checkIsConfig,
  checkOneOf,
  checkPositive,
  checkTokens,
  configCheck,
} from "./check-config.ts";

/** What a GPT-2 is made of (Radford et al. 2019). */
export interface Gpt2Config {
  /** V, how many tokens there are. GPT-2's tokenizer has 50257. */
  readonly vocabSize: number;
  /** The longest sequence, in tokens. GPT-2: 1024. */
  readonly contextLength: number;
  readonly numLayers: number;
  /** Attention heads of a layer; divides `width`. */
  readonly numHeads: number;
  /** C, features of a token. */
  readonly width: number;
  /** F, features inside the feed-forward part. Default 4 · width. */
  readonly feedForwardWidth?: number;
  /** Rate of the four kinds of dropout: embeddings, attention probabilities, and both outputs of a block. Default 0. */
  readonly dropout?: number;
  /** Whether linear layers and norms have biases: true in GPT-2 (default), false in nanoGPT's own models. */
  readonly bias?: boolean;
  /** Default `gelu-tanh`, as in OpenAI's GPT-2; nanoGPT takes `gelu`. */
  readonly activation?: Activation;
  /** Added to the variance in norms. Default 1e-5. */
  readonly layerNormEpsilon?: number;
  /** Whether the output head is the token embedding transposed: true in GPT-2 (default). */
  readonly tieEmbeddings?: boolean;
  /** The token that separates texts, or several that end one: `eos_token_id`, and its first `bos_token_id`. GPT-2: 50256. */
  readonly endOfText?: number | readonly number[];
}

/** A configuration with the defaults filled in. */
export type ResolvedGpt2Config = Required<Omit<Gpt2Config, "endOfText">> & Pick<Gpt2Config, "endOfText">;

/** Fills in the defaults and checks every field. @throws {ConfigError} naming the field, its value and what it may be */
export function resolveConfig(config: Gpt2Config): ResolvedGpt2Config {
  checkIsConfig("Gpt2Config", config);
  const { vocabSize, contextLength, numLayers, numHeads, width, endOfText } = config;
  const resolved = {
    vocabSize,
    contextLength,
    numLayers,
    numHeads,
    width,
    feedForwardWidth: config.feedForwardWidth ?? 4 * width,
    dropout: config.dropout ?? 0,
    bias: config.bias ?? true,
    activation: config.activation ?? "gelu-tanh",
    layerNormEpsilon: config.layerNormEpsilon ?? 1e-5,
    tieEmbeddings: config.tieEmbeddings ?? true,
    ...(endOfText !== undefined && { endOfText }),
  };
  checkGpt2(resolved);
  return resolved;
}

function checkGpt2(config: ResolvedGpt2Config): void {
  const check = configCheck("Gpt2Config");
  const { vocabSize, contextLength, numLayers, numHeads, width, feedForwardWidth, bias, tieEmbeddings } = config;
  checkCounts(check, { vocabSize, contextLength, numLayers, numHeads, width, feedForwardWidth });
  check(width % numHeads === 0, "width", width, `a multiple of numHeads, which is ${numHeads}`);
  checkDropout(check, config.dropout);
  checkFlags(check, { bias, tieEmbeddings });
  checkOneOf(check, "activation", config.activation, ACTIVATIONS);
  checkPositive(check, { layerNormEpsilon: config.layerNormEpsilon });
  checkTokens(check, "endOfText", config.endOfText, vocabSize);
}
