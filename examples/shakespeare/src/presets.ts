export type PresetName = "baby" | "char" | "gpt2";

/** The three sizes of the main job: nanoGPT's Shakespeare settings, and GPT-2 itself. */
export interface Preset {
  readonly tokenizer: "character" | "gpt2";
  readonly numLayers: number;
  readonly numHeads: number;
  readonly width: number;
  readonly contextLength: number;
  readonly batchSize: number;
  /** Height of the embedding table where it is not simply the tokenizer's. */
  readonly vocabSize?: number;
  /** Length of a run when `--steps` is not given. */
  readonly steps: number;
  readonly warmupSteps: number;
  /** At the end of the warmup; falls along a cosine to a tenth of it. */
  readonly learningRate: number;
}

/**
 * nanoGPT's CPU settings at twice its learning rate (`baby`), its character model with a smaller batch and without dropout (`char`), GPT-2 124M
 * (`gpt2`).
 */
export const presets: Readonly<Record<PresetName, Preset>> = {
  baby: {
    tokenizer: "character",
    numLayers: 4,
    numHeads: 4,
    width: 128,
    contextLength: 64,
    batchSize: 12,
    steps: 2000,
    warmupSteps: 100,
    learningRate: 2e-3,
  },
  char: {
    tokenizer: "character",
    numLayers: 6,
    numHeads: 6,
    width: 384,
    contextLength: 256,
    batchSize: 8,
    steps: 2000,
    warmupSteps: 100,
    learningRate: 1e-3,
  },
  gpt2: {
    tokenizer: "gpt2",
    numLayers: 12,
    numHeads: 12,
    width: 768,
    contextLength: 256,
    batchSize: 4,
    vocabSize: 50257,
    steps: 200,
    warmupSteps: 20,
    learningRate: 1e-3,
  },
};

export const presetNames: readonly PresetName[] = ["baby", "char", "gpt2"];
