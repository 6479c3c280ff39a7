import type { Activation } from "@tessera-lm/layers";
import type { BlockConfig } from "../blocks.ts";
import {
  ACTIVATIONS,
  type ConfigCheck,
  checkCounts,
  checkDropout,
  checkFlags,
  checkIsConfig,
  checkOneOf,
  checkPositive,
  checkToken,
  configCheck,
} from "../check-config.ts";

/** What an encoder-only model is made of. The defaults are BERT's (Devlin et al. 2018). */
export interface EncoderConfig {
  /** V, how many tokens there are. */
  readonly vocabSize: number;
  /** The longest sequence, in tokens. */
  readonly contextLength: number;
  /** How many kinds of text a sequence may be made of, as question and answer; 0 for none. Default 2. */
  readonly numTokenTypes?: number;
  readonly numLayers: number;
  /** Attention heads of a layer; divides `width`. */
  readonly numHeads: number;
  /** C, features of a token. */
  readonly width: number;
  /** F, features inside the feed-forward part. Default 4 · width. */
  readonly feedForwardWidth?: number;
  /** Default `gelu`. */
  readonly activation?: Activation;
  /** Whether the feed-forward part is down(activation(gate(x)) · up(x)). Default false. */
  readonly gated?: boolean;
  /** Layer norms (default) or RMS norms. */
  readonly norm?: "layer" | "rms";
  /** Added to the variance or to the mean square. Default 1e-12. */
  readonly normEpsilon?: number;
  /** Whether a block's norms come after its parts. Default true. */
  readonly postNorm?: boolean;
  /** Default `learned`. */
  readonly positions?: "learned" | "sinusoidal" | "rotary";
  /** θ of rotary positions. Default 10,000. */
  readonly ropeTheta?: number;
  /** Rate of dropout of embeddings, attention probabilities and both outputs of a block. Default 0. */
  readonly dropout?: number;
  /** Whether linear layers and layer norms have biases. Default true. */
  readonly bias?: boolean;
  /** Whether there is a head that tells masked tokens. Default true. */
  readonly maskedHead?: boolean;
  /** Whether there is a layer that makes one vector of the first token. Default false. */
  readonly pooler?: boolean;
  /** How many classes a head on the pooled vector tells apart; needs the pooler. Default: no such head. */
  readonly numLabels?: number;
  /** What the classes are called, by number: `id2label`. Default: nothing but their numbers. */
  readonly labels?: readonly string[];
  /** The token that fills up short texts: `pad_token_id`. */
  readonly padToken?: number;
}

export type OptionalEncoderField = "numLabels" | "labels" | "padToken";

/** A configuration with the defaults filled in. */
export type ResolvedEncoderConfig = Required<Omit<EncoderConfig, OptionalEncoderField>> &
  Pick<EncoderConfig, OptionalEncoderField>;

/** Fills in the defaults and checks every field. @throws {ConfigError} naming the field, its value and what it may be */
export function resolveEncoderConfig(config: EncoderConfig): ResolvedEncoderConfig {
  checkIsConfig("EncoderConfig", config);
  const { vocabSize, contextLength, numLayers, numHeads, width, numLabels, labels, padToken } = config;
  const resolved = {
    vocabSize,
    contextLength,
    numTokenTypes: config.numTokenTypes ?? 2,
    numLayers,
    numHeads,
    width,
    feedForwardWidth: config.feedForwardWidth ?? 4 * width,
    activation: config.activation ?? "gelu",
    gated: config.gated ?? false,
    norm: config.norm ?? "layer",
    normEpsilon: config.normEpsilon ?? 1e-12,
    postNorm: config.postNorm ?? true,
    positions: config.positions ?? "learned",
    ropeTheta: config.ropeTheta ?? 10_000,
    dropout: config.dropout ?? 0,
    bias: config.bias ?? true,
    maskedHead: config.maskedHead ?? true,
    pooler: config.pooler ?? false,
    ...(numLabels !== undefined && { numLabels }),
    ...(labels !== undefined && { labels }),
    ...(padToken !== undefined && { padToken }),
  };
  checkEncoder(resolved);
  return resolved;
}

function checkEncoder(config: ResolvedEncoderConfig): void {
  const check = configCheck("EncoderConfig");
  const { vocabSize, contextLength, numLayers, numHeads, width, feedForwardWidth, numTokenTypes } = config;
  checkCounts(check, { vocabSize, contextLength, numLayers, numHeads, width, feedForwardWidth });
  check(width % numHeads === 0, "width", width, `a multiple of numHeads, which is ${numHeads}`);
  const isCount = Number.isSafeInteger(numTokenTypes) && numTokenTypes >= 0;
  check(isCount, "numTokenTypes", numTokenTypes, "a whole number of at least 0");
  checkOneOf(check, "activation", config.activation, ACTIVATIONS);
  checkOneOf(check, "norm", config.norm, ["layer", "rms"]);
  checkOneOf(check, "positions", config.positions, ["learned", "sinusoidal", "rotary"]);
  const isEven = config.positions !== "rotary" || (width / numHeads) % 2 === 0;
  check(isEven, "width", width, "an even number for each head, since rotary positions turn pairs");
  checkPositive(check, { normEpsilon: config.normEpsilon, ropeTheta: config.ropeTheta });
  const { gated, postNorm, bias, maskedHead, pooler, numLabels } = config;
  checkFlags(check, { gated, postNorm, bias, maskedHead, pooler });
  checkDropout(check, config.dropout);
  if (numLabels !== undefined) checkCounts(check, { numLabels });
  check(
    numLabels === undefined || pooler,
    "pooler",
    pooler,
    "true where numLabels is given: the classes are told by it",
  );
  checkLabels(check, config);
  checkToken(check, "padToken", config.padToken, vocabSize);
}

function checkLabels(check: ConfigCheck, { labels, numLabels }: ResolvedEncoderConfig): void {
  if (labels === undefined) return;
  const areLabels = Array.isArray(labels) && labels.every((label) => typeof label === "string");
  check(
    areLabels && labels.length === numLabels,
    "labels",
    labels,
    `as many names as numLabels, which is ${numLabels}`,
  );
}

/** What its blocks are made of. */
export function encoderBlocks(config: ResolvedEncoderConfig): BlockConfig {
  const { numHeads, width, bias } = config;
  const biases = { queryKeyValueBias: bias, feedForwardBias: bias };
  return { ...config, numKeyValueHeads: numHeads, headWidth: width / numHeads, ...biases };
}
