import { type Preset, type PresetName, presets } from "../../../examples/shakespeare/src/presets.ts";
import type { Plan } from "../turns.ts";

/** A model and batch to train, and how long to measure it: ten minutes for all of them on a small machine. */
export interface TrainCase {
  readonly preset: Omit<Preset, "tokenizer" | "steps" | "warmupSteps">;
  readonly vocabSize: number;
  readonly plan: Plan;
}

/** Characters in tiny Shakespeare. */
const CHARACTERS = 65;

export const trainCases: Readonly<Record<PresetName, TrainCase>> = {
  baby: { preset: presets.baby, vocabSize: CHARACTERS, plan: { warmup: 10, rounds: 6, runsPerRound: 10 } },
  char: { preset: presets.char, vocabSize: CHARACTERS, plan: { warmup: 2, rounds: 4, runsPerRound: 2 } },
  gpt2: {
    preset: presets.gpt2,
    vocabSize: presets.gpt2.vocabSize ?? 50257,
    plan: { warmup: 1, rounds: 2, runsPerRound: 1 },
  },
};

/** What both contestants are told, as JSON in their first argument. */
export interface TrainSettings {
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly numLayers: number;
  readonly numHeads: number;
  readonly width: number;
  readonly batchSize: number;
  readonly threads: number;
  readonly backend?: string;
}
