import { inMemoryTokens, randomWindows } from "@tessera-lm/data";
import { createGpt2, type Gpt2 } from "@tessera-lm/gpt";
import { loadModel, saveModel } from "@tessera-lm/gpt/node";
import { parameters } from "@tessera-lm/layers";
import { type CheckpointOptions, type Checkpoints, checkpoints } from "../checkpoints.ts";
import type { TrainEvent } from "../events.ts";
import { nextToken } from "../objective.ts";
import { adamw } from "../optimizers/adamw.ts";
import { chain } from "../optimizers/chain.ts";
import { clipByGlobalNorm } from "../optimizers/clip-by-global-norm.ts";
import type { TrainOptions } from "../options.ts";
import { warmupCosine } from "../schedules.ts";

export type TinyBatch = Parameters<ReturnType<typeof nextToken>>[0];

/** A GPT-2 that trains in milliseconds, with dropout so that seeds matter. */
export function tinyModel(width = 8): Gpt2 {
  return createGpt2({ vocabSize: 11, contextLength: 6, numLayers: 1, numHeads: 2, width, dropout: 0.2 }, 1);
}

/** A whole run of it; the same on every call. */
export function tinyRun(model: Gpt2 = tinyModel()): TrainOptions<TinyBatch> {
  const tokens = inMemoryTokens(Int32Array.from({ length: 300 }, (_, i) => (i * i + 3 * i) % 11));
  return {
    parameters: parameters(model),
    objective: nextToken(model),
    batches: randomWindows(tokens, { batchSize: 2, contextLength: 6, seed: 5 }),
    optimizer: chain(
      clipByGlobalNorm(1),
      adamw({ learningRate: warmupCosine({ peak: 1e-2, warmupSteps: 3, steps: 40 }), weightDecay: 0.1 }),
    ),
    steps: 40,
    accumulate: 2,
    seed: 9,
  };
}

/** Checkpoints of the tiny model. */
export function tinyStore(model: Gpt2, folder: string, options: Partial<CheckpointOptions> = {}): Checkpoints {
  return checkpoints(folder, {
    writeModel: (path) => saveModel(model, path),
    readModel: async (path) => parameters(await loadModel(path)),
    ...options,
  });
}

export async function collect(events: AsyncIterable<TrainEvent>): Promise<TrainEvent[]> {
  const collected: TrainEvent[] = [];
  for await (const event of events) collected.push(event);
  return collected;
}

/** The losses of a run, by step. */
export function lossesOf(events: readonly TrainEvent[]): Map<number, number> {
  return new Map(events.flatMap((event) => (event.type === "step-end" ? [[event.step, event.loss]] : [])));
}
