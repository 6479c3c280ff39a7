import { dispose, type Tensor } from "@tensorflow/tfjs";
import type { BatchSource } from "@tessera-lm/data";
import type { Parameter } from "@tessera-lm/layers";
import { endless } from "./batches.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { EvalEnd } from "./events.ts";
import type { Optimizer } from "./optimizers/optimizer.ts";
import type { TrainOptions } from "./options.ts";
import type { Run } from "./run.ts";
import { checkShape, checkShapes, shapesOf } from "./shapes.ts";

/** A run as the loop sees it. */
export interface ActiveRun<B> extends Run {
  step: number;
  tokens: number;
  readonly seed: number;
  readonly batches: Iterator<B, never>;
  evaluations: readonly EvalEnd[];
}

/** A fresh run, or the one that `resume` holds, restored whole or not at all. @throws CheckpointMismatchError */
export function startOrResume<B>(options: TrainOptions<B>): ActiveRun<B> {
  const { parameters, optimizer, batches, resume } = options;
  if (resume !== undefined) restore(resume, parameters, optimizer, batches);
  const { step = 0, seed = options.seed ?? 0, tokens = 0, evaluations = [] } = resume?.state ?? {};
  return {
    step,
    tokens,
    seed,
    resumedFrom: step,
    parameters,
    optimizer,
    batches: endless(batches),
    evaluations,
    signal: options.signal,
    state() {
      const { step, seed, tokens, evaluations } = this;
      const shapes = Object.fromEntries(shapesOf(parameters));
      return { version: 1, step, seed, tokens, batches: batches.state(), evaluations, parameters: shapes };
    },
  };
}

/** Checks everything first, then changes everything. */
function restore(
  { state, parameters: values, optimizer: memory }: Checkpoint,
  parameters: ReadonlyMap<string, Parameter>,
  optimizer: Optimizer,
  batches: BatchSource<unknown>,
): void {
  const cursor = batches.state();
  try {
    checkShapes(shapesOf(parameters), new Map(Object.entries(state.parameters)));
    for (const [name, { shape }] of parameters) checkShape(name, shape, values.get(name)?.shape);
    batches.restore(state.batches);
    optimizer.restore(memory, parameters);
    for (const [name, parameter] of parameters) parameter.assign(values.get(name) as Tensor);
  } catch (error) {
    batches.restore(cursor);
    throw error;
  } finally {
    dispose([...values.values()]);
  }
}
