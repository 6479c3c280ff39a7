import type { Activation } from "@tessera-lm/layers";
import type { BlockConfig } from "../blocks.ts";
import {
  ACTIVATIONS,
  checkCounts,
  checkDropout,
  checkFlags,
  checkIsConfig,
  checkOneOf,
  checkPositive,
  checkToken,
  checkTokens,
  configCheck,
} from "../check-config.ts";

/** What an encoder-decoder model is made of. The defaults are those of T5 1.0 (Raffel et al. 2020). */
export interface EncoderDecoderConfig {
  /** V, how many tokens there are. */
  readonly vocabSize: number;
  /** How many tokens a text usually has at most; positions are relative, so that longer ones work too. Default 512. */
  readonly contextLength?: number;
  /** Layers of the encoder. */
  readonly numLayers: number;
  /** Default `numLayers`. */
  readonly numDecoderLayers?: number;
  readonly numHeads: number;
  /** C, features of a token. */
  readonly width: number;
  /** D, features of a head. Default width / numHeads. */
  readonly headWidth?: number;
  /** F, features inside the feed-forward parts. Default 4 · width. */
  readonly feedForwardWidth?: number;
  /** Default `relu`; T5 1.1 takes `gelu-tanh`. */
  readonly activation?: Activation;
  /** Whether feed-forward parts are gated, as in T5 1.1. Default false. */
  readonly gated?: boolean;
  /** RMS norms (default) or layer norms without shift. */
  readonly norm?: "layer" | "rms";
  /** Default 1e-6. */
  readonly normEpsilon?: number;
  /** Buckets of relative distances, at least 4. Default 32. */
  readonly numBuckets?: number;
  /** From this distance on all share a bucket. Default 128. */
  readonly maxDistance?: number;
  /** Rate of dropout of embeddings, attention probabilities and outputs. Default 0. */
  readonly dropout?: number;
  /** Whether the output head is the token embedding transposed: true (default) in T5 1.0, false in 1.1. */
  readonly tieEmbeddings?: boolean;
  /** Whether what the head reads is divided by √C. Default `tieEmbeddings`. */
  readonly scaleOutputs?: boolean;
  /** The token that a decoder begins with: `decoder_start_token_id`. Default `padToken`. */
  readonly decoderStartToken?: number;
  /** The token that fills up short texts: `pad_token_id`. Default 0. */
  readonly padToken?: number;
  /** The token, or one of several, that ends a text: `eos_token_id`. T5: 1. */
  readonly endOfText?: number | readonly number[];
}

/** A configuration with the defaults filled in. */
export type ResolvedEncoderDecoderConfig = Required<Omit<EncoderDecoderConfig, "endOfText">> &
  Pick<EncoderDecoderConfig, "endOfText">;

/** Fills in the defaults and checks every field. @throws {ConfigError} naming the field, its value and what it may be */
export function resolveEncoderDecoderConfig(config: EncoderDecoderConfig): ResolvedEncoderDecoderConfig {
  checkIsConfig("EncoderDecoderConfig", config);
  const { vocabSize, numLayers, numHeads, width, tieEmbeddings = true, padToken = 0, endOfText } = config;
  const resolved = {
    vocabSize,
    contextLength: config.contextLength ?? 512,
    numLayers,
    numDecoderLayers: config.numDecoderLayers ?? numLayers,
    numHeads,
    width,
    headWidth: config.headWidth ?? width / numHeads,
    feedForwardWidth: config.feedForwardWidth ?? 4 * width,
    activation: config.activation ?? "relu",
    gated: config.gated ?? false,
    norm: config.norm ?? "rms",
    normEpsilon: config.normEpsilon ?? 1e-6,
    numBuckets: config.numBuckets ?? 32,
    maxDistance: config.maxDistance ?? 128,
    dropout: config.dropout ?? 0,
    tieEmbeddings,
    scaleOutputs: config.scaleOutputs ?? tieEmbeddings,
    decoderStartToken: config.decoderStartToken ?? padToken,
    padToken,
    ...(endOfText !== undefined && { endOfText }),
  };
  checkEncoderDecoder(resolved);
  return resolved;
}

function checkEncoderDecoder(config: ResolvedEncoderDecoderConfig): void {
  const check = configCheck("EncoderDecoderConfig");
  const { vocabSize, contextLength, numLayers, numDecoderLayers, numHeads, width, headWidth } = config;
  checkCounts(check, { vocabSize, contextLength, numLayers, numDecoderLayers, numHeads, width });
  const divides = Number.isInteger(headWidth) || width % numHeads === 0;
  check(divides, "width", width, `a multiple of numHeads, which is ${numHeads}`);
  const { feedForwardWidth, numBuckets, maxDistance } = config;
  checkCounts(check, { headWidth, feedForwardWidth, numBuckets, maxDistance });
  check(numBuckets >= 4, "numBuckets", numBuckets, "at least 4");
  check(maxDistance > numBuckets / 2, "maxDistance", maxDistance, `above numBuckets / 2, which is ${numBuckets / 2}`);
  checkOneOf(check, "activation", config.activation, ACTIVATIONS);
  checkOneOf(check, "norm", config.norm, ["layer", "rms"]);
  const { gated, tieEmbeddings, scaleOutputs, decoderStartToken, padToken, endOfText } = config;
  checkFlags(check, { gated, tieEmbeddings, scaleOutputs });
  checkPositive(check, { normEpsilon: config.normEpsilon });
  checkDropout(check, config.dropout);
  for (const [field, token] of Object.entries({ decoderStartToken, padToken })) {
    checkToken(check, field, token, vocabSize);
  }
  checkTokens(check, "endOfText", endOfText, vocabSize);
}

/** What its blocks are made of. */
export function encoderDecoderBlocks(config: ResolvedEncoderDecoderConfig): BlockConfig {
  const shared = { postNorm: false, bias: false, queryKeyValueBias: false, feedForwardBias: false };
  return { ...config, ...shared, numKeyValueHeads: config.numHeads };
}
