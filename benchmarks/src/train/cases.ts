import { countParameters } from "@tessera-lm/gpt";
import { type Preset, type PresetName, presets } from "../../../examples/shakespeare/src/presets.ts";
import type { Plan } from "../turns.ts";

/** A model and batch to train, and how long to measure it: ten minutes for all of them on a small machine. */
export interface TrainCase {
  readonly preset: Omit<Preset, "tokenizer" | "steps" | "warmupSteps" | "learningRate">;
  readonly vocabSize: number;
  readonly plan: Plan;
  /** Whether both sides compute blocks again in the backward pass. */
  readonly checkpointing?: boolean;
}

/** Characters in tiny Shakespeare. */
const CHARACTERS = 65;

const gpt2: TrainCase = {
  preset: presets.gpt2,
  vocabSize: presets.gpt2.vocabSize ?? 50257,
  plan: { warmup: 1, rounds: 2, runsPerRound: 1 },
};

export const trainCases: Readonly<Record<PresetName | "gpt2-checkpointing", TrainCase>> = {
  baby: { preset: presets.baby, vocabSize: CHARACTERS, plan: { warmup: 60, rounds: 6, runsPerRound: 40 } },
  char: { preset: presets.char, vocabSize: CHARACTERS, plan: { warmup: 2, rounds: 4, runsPerRound: 2 } },
  gpt2,
  "gpt2-checkpointing": { ...gpt2, checkpointing: true },
};

/** What both contestants are told, as JSON in their first argument. */
export interface TrainSettings {
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly numLayers: number;
  readonly numHeads: number;
  readonly width: number;
  readonly batchSize: number;
  readonly checkpointing: boolean;
  readonly threads: number;
  readonly backend?: string;
  /** A whole run on a text instead of steps on random tokens. */
  readonly course?: Course;
}

/** What a whole run learns, and for how long. Its course and evaluation are those of `examples/shakespeare`. */
export interface Course {
  /** A file of token ids, int32 in the machine's byte order. */
  readonly ids: string;
  /** How many of them are learned from; the rest is for the work "evaluate". */
  readonly trainingTokens: number;
  readonly steps: number;
  readonly warmupSteps: number;
  /** At the end of the warmup; falls along a cosine to a tenth of it. */
  readonly learningRate: number;
}

/**
 * Floating-point operations of one training step: 6 · parameters · tokens for the products with weights, and
 * 12 · layers · width · contextLength · tokens for attention, as in nanoGPT's `estimate_mfu` (Chowdhery et al. 2022,
 * appendix B). What a checkpointed block computes a second time does not count.
 */
export function stepFlops({ preset, vocabSize }: TrainCase): number {
  const { numLayers, width, contextLength, batchSize } = preset;
  const tokens = batchSize * contextLength;
  const config = { ...preset, vocabSize, bias: false };
  const inProducts = countParameters(config) - contextLength * width; // positions are only looked up
  return 6 * inProducts * tokens + 12 * numLayers * width * contextLength * tokens;
}
