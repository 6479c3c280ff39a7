import type { CheckpointStore } from "./checkpoint.ts";
import type { TrainEvent } from "./events.ts";
import { checkFiniteParameters } from "./finite.ts";
import type { Run } from "./run.ts";

/**
 * Something to do between steps; the event that it returns, if any, is yielded by `train`. When `run.signal` is aborted
 * it may end early by throwing the signal's reason (`run.signal.throwIfAborted()`), which counts as no event, no error.
 */
export interface Action {
  (run: Run): TrainEvent | undefined | void | Promise<TrainEvent | undefined | void>;
  /** Runs after the other actions of its step, whatever the order in `every`. */
  readonly last?: boolean;
  /** The name of the evaluation that it makes. A resumed run makes it first if a signal had cut it short. */
  readonly evaluates?: string;
  /** Called before the first step; throws if the action would not be able to do its work. */
  begin?(run: Run): Promise<void>;
}

/**
 * Evaluates and reports the numbers as `eval-end`, which checkpoints and early stopping can look at: those made by
 * `every`, that is, so that an interruption changes nothing. Hand `run.signal` on to cut a long evaluation short.
 */
export function evaluate<M extends { readonly [K in keyof M]: number }>(
  name: string,
  evaluation: (run: Run) => M | Promise<M>,
): Action {
  const action: Action = async (run) => ({
    type: "eval-end",
    step: run.step,
    name,
    ...(await evaluation(run)),
  });
  return Object.assign(action, { evaluates: name });
}

/**
 * Saves the run. It comes last, so that the checkpoint knows the evaluations of its own step.
 * The action throws NonFiniteParameterError instead of saving parameters that are not finite.
 */
export function saveCheckpoint(store: CheckpointStore): Action {
  const save: Action = async (run) => {
    await checkFiniteParameters(run);
    return { type: "checkpoint-saved", step: run.step, path: await store.save(run) };
  };
  return Object.assign(save, { last: true, begin: async (run: Run) => store.begin?.(run) });
}
