import { countNumbers } from "../shapes.ts";
import type { Anatomy, Layers } from "./anatomy.ts";

/** Bytes of tensors while a model learns, all float32. */
export interface TrainingMemory {
  readonly weights: number;
  /** Of all that is trained, when the last one has been computed. */
  readonly gradients: number;
  /** AdamW's two for each number that is trained. */
  readonly moments: number;
  /** What the forward pass keeps for the backward pass. */
  readonly activations: number;
  /** The logits that exist at a time. */
  readonly logits: number;
  /** The most at any time: gradients come as activations go, so that this is less than the sum. */
  readonly peak: number;
  /** Weights, gradients and moments together, what the rule of thumb leaves out of its 24 bytes for activations. */
  readonly perParameter: number;
  /** The rule of thumb: six times the weights, 24 GB for a billion parameters in float32. */
  readonly ruleOfThumb: number;
}

export interface TrainingShape {
  readonly batchSize: number;
  /** T, how long the texts are. */
  readonly contextLength: number;
  /** Whether blocks are computed again in the backward pass. */
  readonly checkpointing: boolean;
  /** What is trained instead of the weights. */
  readonly lora?: LoraShape;
}

export interface LoraShape {
  readonly rank: number;
  /** Which linear layers of the blocks get an adapter, by the end of their path: `query`, `feedForward.up`. Default all. */
  readonly targets?: readonly string[];
}

const FLOAT = 4;
/** Logits at a time, as the engine computes them: 25 Mi numbers. */
const CHUNK_LOGITS = 25 * 2 ** 20;
/** Scores (B, H, T, S) that exist together in the backward pass of attention with a bias, which has no fused kernel. */
const BIASED_SCORES = 13;

/**
 * Bytes of the engine's tensors in a step of training with AdamW. The peak is the largest of four moments: at the loss,
 * at the beginning of the backward pass, at its end, and at the update. The process needs about 200 MB besides.
 */
export function trainingMemory(anatomy: Anatomy, shape: TrainingShape): TrainingMemory {
  const trained = trainedParameters(anatomy, shape.lora);
  const weights = FLOAT * (anatomy.parameters + (shape.lora === undefined ? 0 : trained));
  const gradients = FLOAT * trained;
  const moments = 2 * gradients;
  const moment = activationsOf(anatomy, shape);
  const logits = FLOAT * chunkRows(shape.batchSize * shape.contextLength, anatomy.vocabSize) * anatomy.vocabSize;
  const held = weights + moments;
  const head = shape.lora === undefined ? headGradient(anatomy) : 0;
  // A block's own gradients come while its activations go: of the first that is worked on only the last matrix is there.
  const ofBlocks = shape.lora === undefined ? gradients - tables(anatomy) : gradients;
  const perBlock = ofBlocks / anatomy.layers.reduce((total, { count }) => total + count, 0);
  const atLoss = moment.kept + head + logits;
  const atFirst = moment.atLastBlock + head + perBlock / 3;
  const atLast = moment.atFirstBlock + head + ofBlocks - (2 / 3) * perBlock;
  return {
    weights,
    gradients,
    moments,
    activations: moment.kept,
    logits,
    peak: held + Math.max(atLoss, atFirst, atLast, gradients),
    perParameter: (weights + gradients + moments) / anatomy.parameters,
    ruleOfThumb: 6 * FLOAT * anatomy.parameters,
  };
}

/** How many numbers a step changes. */
export function trainedParameters(anatomy: Anatomy, lora: LoraShape | undefined): number {
  if (lora === undefined) return anatomy.parameters;
  const sizes = targets(anatomy, lora).map(([inputs = 0, outputs = 0]) => lora.rank * (inputs + outputs));
  return sizes.reduce((total, size) => total + size, 0);
}

/** The shapes of the matrices that get an adapter. */
function targets({ shapes }: Anatomy, { targets: ends = [""] }: LoraShape): (readonly number[])[] {
  const isTarget = (path: string): boolean => ends.some((end) => path.endsWith(`${end}.weight`));
  return [...shapes].filter(([path]) => isProjection(path) && isTarget(path)).map(([, shape]) => shape);
}

/** The linear layers within blocks. */
function isProjection(path: string): boolean {
  return /blocks\.\d+\..*\.(qkv|query|key|value|output|gate|up|down)\.weight$/.test(path);
}

interface Activations {
  /** Between the passes, the head's own part included. */
  readonly kept: number;
  /** When the backward pass works on the last block, and on the first. */
  readonly atLastBlock: number;
  readonly atFirstBlock: number;
}

function activationsOf(anatomy: Anatomy, shape: TrainingShape): Activations {
  const { layers, width, dropout } = anatomy;
  const rows = shape.batchSize * shape.contextLength;
  const bytes = (numbersOfToken: number): number => FLOAT * rows * numbersOfToken;
  const block = (layer: Layers): number => bytes(keptOfToken(width, layer)) + adapters;
  // Of each adapter what is between its two matrices, and that scaled.
  const numLayers = layers.reduce((total, { count }) => total + count, 0);
  const adapters = shape.lora ? bytes((2 * shape.lora.rank * targets(anatomy, shape.lora).length) / numLayers) : 0;
  const between = layers.map((layer) => layer.count * (shape.checkpointing ? bytes(width) : block(layer)));
  const working = layers.map((layer) => {
    const recomputed = shape.checkpointing ? block(layer) : 0; // its input is kept already, its output is new
    const inner = Math.max(
      innerOfToken(layer),
      layer.biasedScores ? biasedOfToken(width, layer, shape.contextLength) : 0,
    );
    return recomputed + bytes((dropout > 0 ? 2 : 1) * width + inner + (shape.lora ? layer.feedForwardWidth : 0));
  });
  const all = between.reduce((total, each) => total + each, 0);
  const first = layers[0] as Layers;
  return {
    kept: all + bytes(3 * width), // input, output and gradient of the final norm
    atLastBlock: all + (working.at(-1) as number),
    atFirstBlock: (shape.checkpointing ? bytes(width) : block(first)) + (working[0] as number),
  };
}

/** Numbers that a block keeps for each token: inputs of norms, projections and activations, and the softmax's sums. */
function keptOfToken(width: number, layer: Layers): number {
  const { numHeads, numKeyValueHeads, headWidth, feedForwardWidth, gated, activation, norm, numAttentions } = layer;
  const statistics = norm === "layer" ? 2 : 1; // mean and deviation
  const attention = 2 * headWidth * (numHeads + numKeyValueHeads) + numHeads; // query and result, key and value
  const inner = gated ? (activation === "silu" ? 3 : 4) : 2;
  const norms = numAttentions + 1;
  return norms * (2 * width + statistics) + numAttentions * attention + inner * feedForwardWidth;
}

/** Numbers for each token that the backward pass of a feed-forward part needs besides. */
function innerOfToken({ feedForwardWidth, gated, activation }: Layers): number {
  return (gated || activation === "relu" ? 2 : 1) * feedForwardWidth;
}

/** The same of attention with a bias, at which the feed-forward part's own activations have gone. */
function biasedOfToken(width: number, layer: Layers, contextLength: number): number {
  const { numHeads, headWidth, feedForwardWidth, gated } = layer;
  return (
    BIASED_SCORES * numHeads * contextLength + 6 * numHeads * headWidth - (gated ? 3 : 2) * feedForwardWidth - 2 * width
  );
}

/** The gradient of the head's table, which is the first of all; with a bias that is one of its columns, and its copy. */
function headGradient({ vocabSize, width, biasedHead }: Anatomy): number {
  return FLOAT * vocabSize * (biasedHead ? 2 * (width + 1) : width);
}

/** Of the tables, whose gradients come at the very beginning and the very end. */
function tables({ shapes }: Anatomy): number {
  return FLOAT * countNumbers([...shapes].filter(([path]) => !path.includes("blocks.")).map(([, shape]) => shape));
}

/** Equal parts, as the engine takes them. */
function chunkRows(rows: number, vocabSize: number): number {
  const most = Math.max(1, Math.floor(CHUNK_LOGITS / vocabSize));
  return Math.ceil(rows / Math.ceil(rows / most));
}
