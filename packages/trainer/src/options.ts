import type { Parameter } from "@tessera-lm/layers";
import type { Action } from "./actions.ts";
import type { ResumableBatches } from "./batches.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { EarlyStopping } from "./early-stopping.ts";
import { InvalidOptionError } from "./errors.ts";
import type { Objective } from "./objective.ts";
import type { Optimizer } from "./optimizers/optimizer.ts";

export interface TrainOptions<B> {
  /** What is trained, by name; every other parameter of the model is frozen. */
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly objective: Objective<B>;
  readonly batches: ResumableBatches<B>;
  readonly optimizer: Optimizer;
  /** Length of the whole run, also over several resumes: what the learning-rate schedule spans. */
  readonly steps: number;
  /** Ends the run after this step, as an interruption would. */
  readonly stopAfter?: number;
  /** Micro-batches per step; 1 by default. */
  readonly accumulate?: number;
  /** Of dropout; 0 by default. A resumed run keeps the seed that it began with. */
  readonly seed?: number;
  /** `{ 250: [a, b] }` does a and b after every 250th step and after step `steps`. */
  readonly every?: Readonly<Record<number, readonly Action[]>>;
  /** Done when the run ends before step `steps`, unless already done at that step: the place to save a checkpoint. */
  readonly whenStopped?: readonly Action[];
  readonly earlyStopping?: EarlyStopping;
  /** When aborted, the run ends after the step in progress. */
  readonly signal?: AbortSignal;
  /** Goes on from a checkpoint. It is checked before anything of the run is changed. */
  readonly resume?: Checkpoint;
}

/** @throws InvalidOptionError */
export function checkOptions<B>({ parameters, steps, accumulate = 1, every = {} }: TrainOptions<B>): void {
  if (parameters.size === 0) throw new InvalidOptionError("parameters", "empty", "at least one parameter to train");
  const counts = Object.keys(every).map((interval) => [`every[${interval}]`, Number(interval)] as const);
  for (const [option, count] of [["steps", steps], ["accumulate", accumulate], ...counts] as const) {
    if (!(Number.isSafeInteger(count) && count >= 1)) {
      throw new InvalidOptionError(option, count, "a whole number of at least 1");
    }
  }
}
