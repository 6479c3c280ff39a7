import type { Activation, RopeScaling } from "@tessera-lm/layers";
import {
  ACTIVATIONS,
  type ConfigCheck,
  checkCounts,
  checkDropout,
  checkFlags,
  checkIsConfig,
  checkOneOf,
  checkPositive,
  checkRopeScaling,
  checkToken,
  checkTokens,
  configCheck,
} from "../check-config.ts";

/** How a model knows the order of its tokens. */
export type Positions = "learned" | "sinusoidal" | "rotary" | "alibi";

/** What a decoder-only model is made of. The defaults are Llama's. */
export interface DecoderConfig {
  /** V, how many tokens there are. */
  readonly vocabSize: number;
  /** The longest sequence, in tokens. */
  readonly contextLength: number;
  readonly numLayers: number;
  /** H, attention heads of a layer. */
  readonly numHeads: number;
  /** G, heads of keys and values, each shared by H / G query heads; divides H. Default H. */
  readonly numKeyValueHeads?: number;
  /** C, features of a token. */
  readonly width: number;
  /** D, features of a head. Default width / numHeads. */
  readonly headWidth?: number;
  /** F, features inside the feed-forward part. Default 4 · width; gated 8/3 · width, rounded up to a multiple of 8. */
  readonly feedForwardWidth?: number;
  /** Default `silu`. */
  readonly activation?: Activation;
  /** Whether the feed-forward part is down(activation(gate(x)) · up(x)) or down(activation(up(x))). Default true. */
  readonly gated?: boolean;
  /** Layer norms or RMS norms (default). */
  readonly norm?: "layer" | "rms";
  /** Added to the variance or to the mean square. Default 1e-5. */
  readonly normEpsilon?: number;
  /** Whether a block's norms come after its parts, as in the first transformers, and not before. Default false. */
  readonly postNorm?: boolean;
  /** Default `rotary`. */
  readonly positions?: Positions;
  /** θ of rotary positions. Default 10,000. */
  readonly ropeTheta?: number;
  /** How the context was stretched. Default: it was not. */
  readonly ropeScaling?: RopeScaling;
  /** How many tokens a token sees at most, itself among them. Default: all before it. */
  readonly slidingWindow?: number;
  /** The layers, counted from 0, that have no sliding window. Default none. */
  readonly fullAttentionLayers?: readonly number[];
  /** Rate of dropout of embeddings, attention probabilities and both outputs of a block. Default 0. */
  readonly dropout?: number;
  /** Whether linear layers and layer norms have biases. Default false. */
  readonly bias?: boolean;
  /** Whether the projections to query, key and value have biases. Default `bias`. */
  readonly queryKeyValueBias?: boolean;
  /** Whether the feed-forward parts have biases. Default `bias`. */
  readonly feedForwardBias?: boolean;
  /** Whether the output head is the token embedding transposed. Default false. */
  readonly tieEmbeddings?: boolean;
  /** Which architecture of transformers a saved model names, if several hold it: `mistral`, say. Default: the first. */
  readonly family?: string;
  /** The token that begins a text, written to model folders as `bos_token_id`. */
  readonly beginOfText?: number;
  /** The token, or one of several, that ends a text: `eos_token_id`. */
  readonly endOfText?: number | readonly number[];
}

export type OptionalDecoderField = "ropeScaling" | "slidingWindow" | "family" | "beginOfText" | "endOfText";

/** A configuration with the defaults filled in. */
export type ResolvedDecoderConfig = Required<Omit<DecoderConfig, OptionalDecoderField>> &
  Pick<DecoderConfig, OptionalDecoderField>;

/** Fills in the defaults and checks every field. @throws {ConfigError} naming the field, its value and what it may be */
export function resolveDecoderConfig(config: DecoderConfig): ResolvedDecoderConfig {
  checkIsConfig("DecoderConfig", config);
  const { numHeads, width, gated = true, bias = false } = config;
  const { ropeScaling, slidingWindow, family, beginOfText, endOfText } = config;
  const resolved = {
    vocabSize: config.vocabSize,
    contextLength: config.contextLength,
    numLayers: config.numLayers,
    numHeads,
    numKeyValueHeads: config.numKeyValueHeads ?? numHeads,
    width,
    headWidth: config.headWidth ?? width / numHeads,
    feedForwardWidth: config.feedForwardWidth ?? (gated ? 8 * Math.ceil(width / 3) : 4 * width),
    activation: config.activation ?? "silu",
    gated,
    norm: config.norm ?? "rms",
    normEpsilon: config.normEpsilon ?? 1e-5,
    postNorm: config.postNorm ?? false,
    positions: config.positions ?? "rotary",
    ropeTheta: config.ropeTheta ?? 10_000,
    fullAttentionLayers: config.fullAttentionLayers ?? [],
    dropout: config.dropout ?? 0,
    bias,
    queryKeyValueBias: config.queryKeyValueBias ?? bias,
    feedForwardBias: config.feedForwardBias ?? bias,
    tieEmbeddings: config.tieEmbeddings ?? false,
    ...(ropeScaling !== undefined && { ropeScaling }),
    ...(slidingWindow !== undefined && { slidingWindow }),
    ...(family !== undefined && { family }),
    ...(beginOfText !== undefined && { beginOfText }),
    ...(endOfText !== undefined && { endOfText }),
  };
  checkDecoder(configCheck("DecoderConfig"), resolved);
  return withoutIdleWindow(resolved);
}

/** A window that no layer has is none. */
function withoutIdleWindow(config: ResolvedDecoderConfig): ResolvedDecoderConfig {
  const { slidingWindow: _, ...rest } = config;
  return new Set(config.fullAttentionLayers).size < config.numLayers ? config : { ...rest, fullAttentionLayers: [] };
}

function checkDecoder(check: ConfigCheck, config: ResolvedDecoderConfig): void {
  const { vocabSize, contextLength, numLayers, numHeads, numKeyValueHeads, width, headWidth } = config;
  checkCounts(check, { vocabSize, contextLength, numLayers, numHeads, numKeyValueHeads, width });
  check(
    Number.isInteger(headWidth) || width % numHeads === 0,
    "width",
    width,
    `a multiple of numHeads, which is ${numHeads}`,
  );
  checkCounts(check, { headWidth, feedForwardWidth: config.feedForwardWidth });
  const groups = `a divisor of numHeads, which is ${numHeads}`;
  check(numHeads % numKeyValueHeads === 0, "numKeyValueHeads", numKeyValueHeads, groups);
  checkOneOf(check, "activation", config.activation, ACTIVATIONS);
  checkOneOf(check, "norm", config.norm, ["layer", "rms"]);
  checkPositive(check, { normEpsilon: config.normEpsilon });
  const { gated, postNorm, bias, queryKeyValueBias, feedForwardBias, tieEmbeddings } = config;
  checkFlags(check, { gated, postNorm, bias, queryKeyValueBias, feedForwardBias, tieEmbeddings });
  checkDropout(check, config.dropout);
  checkPositions(check, config);
  checkToken(check, "beginOfText", config.beginOfText, vocabSize);
  checkTokens(check, "endOfText", config.endOfText, vocabSize);
}

function checkPositions(check: ConfigCheck, config: ResolvedDecoderConfig): void {
  const { positions, headWidth, ropeScaling, slidingWindow } = config;
  checkOneOf(check, "positions", positions, ["learned", "sinusoidal", "rotary", "alibi"]);
  check(
    positions !== "rotary" || headWidth % 2 === 0,
    "headWidth",
    headWidth,
    "even, since rotary positions turn pairs",
  );
  checkPositive(check, { ropeTheta: config.ropeTheta });
  check(
    positions === "rotary" || ropeScaling === undefined,
    "ropeScaling",
    ropeScaling,
    "left out without rotary positions",
  );
  checkRopeScaling(check, ropeScaling, headWidth);
  if (slidingWindow !== undefined) checkCounts(check, { slidingWindow });
  checkLayers(check, config);
}

function checkLayers(check: ConfigCheck, { fullAttentionLayers, numLayers }: ResolvedDecoderConfig): void {
  const isLayer = (layer: unknown): boolean =>
    Number.isInteger(layer) && Number(layer) >= 0 && Number(layer) < numLayers;
  const areLayers = Array.isArray(fullAttentionLayers) && fullAttentionLayers.every(isLayer);
  check(areLayers, "fullAttentionLayers", fullAttentionLayers, `a list of layers, from 0 to ${numLayers - 1}`);
}
