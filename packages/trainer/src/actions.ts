import type { CheckpointStore } from "./checkpoint.ts";
import type { TrainEvent } from "./events.ts";
import type { Run } from "./run.ts";

/** Something to do between steps; the event that it returns, if any, is yielded by `train`. */
export interface Action {
  (run: Run): TrainEvent | undefined | void | Promise<TrainEvent | undefined | void>;
  /** Runs after the other actions of its step, whatever the order in `every`. */
  readonly last?: boolean;
}

/** Evaluates and reports the numbers as `eval-end`, which checkpoints and early stopping can look at. */
export function evaluate<M extends { readonly [K in keyof M]: number }>(
  name: string,
  evaluation: () => M | Promise<M>,
): Action {
  return async ({ step }) => ({ ...(await evaluation()), type: "eval-end", step, name });
}

/** Saves the run. It comes last, so that the checkpoint knows the evaluations of its own step. */
export function saveCheckpoint(store: CheckpointStore): Action {
  const save: Action = async (run) => ({ type: "checkpoint-saved", step: run.step, path: await store.save(run) });
  return Object.assign(save, { last: true });
}
