import type { BlockConfig } from "../blocks.ts";
import { type Gpt2Config, resolveConfig } from "../config.ts";
import { type DecoderConfig, resolveDecoderConfig } from "../decoder/decoder-config.ts";
import { decoderShapes } from "../decoder/decoder-shapes.ts";
import { type EncoderConfig, encoderBlocks, resolveEncoderConfig } from "../encoder/encoder-config.ts";
import { encoderShapes } from "../encoder/encoder-shapes.ts";
import {
  type EncoderDecoderConfig,
  encoderDecoderBlocks,
  resolveEncoderDecoderConfig,
} from "../encoder-decoder/encoder-decoder-config.ts";
import { encoderDecoderShapes } from "../encoder-decoder/encoder-decoder-shapes.ts";
import { PlanError } from "../errors.ts";
import { parameterShapes } from "../parameter-shapes.ts";
import { countNumbers } from "../shapes.ts";
import { shown } from "../shown.ts";

/** The configuration of a model of any kind. */
export type ModelConfig =
  | ({ readonly kind: "gpt2" } & Gpt2Config)
  | ({ readonly kind: "decoder" } & DecoderConfig)
  | ({ readonly kind: "encoder" } & EncoderConfig)
  | ({ readonly kind: "encoder-decoder" } & EncoderDecoderConfig);

/** Layers of one shape. */
export interface Layers {
  readonly count: number;
  /** H, G, D, F: query heads, heads of keys and values, their width, features inside the feed-forward part. */
  readonly numHeads: number;
  readonly numKeyValueHeads: number;
  readonly headWidth: number;
  readonly feedForwardWidth: number;
  readonly activation: string;
  readonly gated: boolean;
  readonly norm: "layer" | "rms";
  /** How many attentions a layer has: two where it also reads an encoder's output. */
  readonly numAttentions: 1 | 2;
  /** Whether something is added to the scores: slopes or learned numbers by distance. */
  readonly biasedScores: boolean;
  readonly slidingWindow?: number;
  /** Whether keys and values are cached in generation. */
  readonly causal: boolean;
}

/** What counts when memory and operations are added up. */
export interface Anatomy {
  readonly vocabSize: number;
  readonly contextLength: number;
  /** C */
  readonly width: number;
  readonly dropout: number;
  readonly layers: readonly Layers[];
  /** Whether the output head has a table of its own. */
  readonly untiedHead: boolean;
  /** Whether the head has a bias, one more column of its table: of masked tokens. */
  readonly biasedHead: boolean;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly parameters: number;
}

/** @throws {ConfigError | PlanError} for a configuration that no model can have, and for another kind */
export function anatomyOf(config: ModelConfig): Anatomy {
  const { shapes, ...rest } = partsOf(config);
  return { ...rest, shapes, parameters: countNumbers(shapes.values()), untiedHead: shapes.has("head.weight") };
}

type Parts = Omit<Anatomy, "parameters" | "untiedHead">;

function partsOf(config: ModelConfig): Parts {
  switch (config?.kind) {
    case "gpt2":
      return gpt2Parts(config);
    case "decoder":
      return decoderParts(config);
    case "encoder":
      return encoderParts(config);
    case "encoder-decoder":
      return encoderDecoderParts(config);
  }
  const { kind } = Object(config) as { readonly kind?: unknown };
  const expected = '"gpt2" or "decoder" or "encoder" or "encoder-decoder", beside the fields of its configuration';
  throw new PlanError(`plan: kind is ${shown(kind)}; it must be ${expected}.`);
}

function gpt2Parts(config: Gpt2Config): Parts {
  const resolved = resolveConfig(config);
  const { numLayers: count, numHeads, width, feedForwardWidth } = resolved;
  const headWidth = width / numHeads;
  const heads = { numHeads, numKeyValueHeads: numHeads, headWidth, feedForwardWidth };
  const block = { ...PLAIN, ...heads, count, activation: resolved.activation, gated: false, norm: "layer" as const };
  return { ...resolved, layers: [block], biasedHead: false, shapes: parameterShapes(config) };
}

function decoderParts(config: DecoderConfig): Parts {
  const resolved = resolveDecoderConfig(config);
  const { numLayers, fullAttentionLayers, slidingWindow } = resolved;
  const like = { ...PLAIN, ...resolved, biasedScores: resolved.positions === "alibi" };
  const numFull = slidingWindow === undefined ? numLayers : new Set(fullAttentionLayers).size;
  const layers = [
    { ...like, count: numFull, slidingWindow: undefined },
    { ...like, count: numLayers - numFull, slidingWindow },
  ].filter(({ count }) => count > 0);
  return { ...resolved, layers, biasedHead: false, shapes: decoderShapes(config) };
}

function encoderParts(config: EncoderConfig): Parts {
  const resolved = resolveEncoderConfig(config);
  const block = { ...PLAIN, ...encoderBlocks(resolved), count: resolved.numLayers, causal: false };
  return { ...resolved, layers: [block], biasedHead: resolved.maskedHead, shapes: encoderShapes(config) };
}

function encoderDecoderParts(config: EncoderDecoderConfig): Parts {
  const resolved = resolveEncoderDecoderConfig(config);
  const like = { ...PLAIN, ...(encoderDecoderBlocks(resolved) as BlockConfig), biasedScores: true };
  const layers = [
    { ...like, count: resolved.numLayers, causal: false },
    { ...like, count: resolved.numDecoderLayers, numAttentions: 2 as const },
  ];
  return { ...resolved, layers, biasedHead: false, shapes: encoderDecoderShapes(config) };
}

const PLAIN = { numAttentions: 1 as const, biasedScores: false, causal: true };
