import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import type { Batch, BatchSource, BatchState } from "./batch.ts";
import { requireGenerator, requireSettings } from "./batch-state.ts";
import { seededGenerator } from "./random.ts";

export interface Randomness {
  /** What must be the same when a state is restored. */
  readonly settings: BatchState;
  readonly seed: number;
  readonly stream: number;
}

/** Batches of another source, each changed by random numbers of their own; the state holds both places. */
export function withRandomness<B>(
  batches: BatchSource,
  { settings, seed, stream }: Randomness,
  change: (batch: Batch, random: RandomGenerator) => B,
): BatchSource<B> {
  let random = seededGenerator(seed, stream);
  return {
    *[Symbol.iterator](): Generator<B> {
      for (const batch of batches) yield change(batch, random);
    },
    state: (): BatchState => ({ ...batches.state(), ...settings, change: random.getState() }),
    restore(state: BatchState): void {
      requireSettings(state, settings);
      const restored = xoroshiro128plusFromState(requireGenerator(state, "change"));
      batches.restore(state);
      random = restored;
    },
  };
}
