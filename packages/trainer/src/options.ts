import type { BatchSource } from "@tessera-lm/data";
import type { Parameter } from "@tessera-lm/layers";
import type { Action } from "./actions.ts";
import { checkCount } from "./check-number.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { EarlyStopping } from "./early-stopping.ts";
import { InvalidOptionError } from "./errors.ts";
import type { Objective } from "./objective.ts";
import type { Optimizer } from "./optimizers/optimizer.ts";

export interface TrainOptions<B> {
  /** What is trained, by name; every other parameter of the model is frozen. */
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly objective: Objective<B>;
  readonly batches: BatchSource<B>;
  readonly optimizer: Optimizer;
  /** Length of the whole run, also over several resumes: what the learning-rate schedule spans. */
  readonly steps: number;
  /** Ends the run after this step, as an interruption would. */
  readonly stopAfter?: number;
  /** Micro-batches per step; 1 by default. */
  readonly accumulate?: number;
  /** Of dropout, a whole number; 0 by default. A resumed run keeps the seed that it began with. */
  readonly seed?: number;
  /** `{ 250: [a, b] }` does a and b after every 250th step and after step `steps`. */
  readonly every?: Readonly<Record<number, readonly Action[]>>;
  /**
   * Done when the run ends before step `steps`, unless already done at that step: the place to save a checkpoint.
   * Evaluations made here are yielded and then forgotten: early stopping and the best checkpoint never see them.
   */
  readonly whenStopped?: readonly Action[];
  readonly earlyStopping?: EarlyStopping;
  /** When aborted, the run ends after the step in progress; actions find it as `run.signal`. */
  readonly signal?: AbortSignal;
  /** Goes on from a checkpoint. It is checked before anything of the run is changed. */
  readonly resume?: Checkpoint;
}

/** @throws InvalidOptionError */
export function checkOptions<B>(options: TrainOptions<B>): void {
  const { parameters, steps, stopAfter = steps, accumulate = 1, seed = 0, every = {} } = options;
  if (parameters.size === 0) throw new InvalidOptionError("parameters", "empty", "at least one parameter to train");
  checkCount("steps", steps, 1);
  checkCount("stopAfter", stopAfter, 1);
  checkCount("accumulate", accumulate, 1);
  checkCount("seed", seed, 0);
  for (const interval of Object.keys(every)) checkCount(`every[${interval}]`, Number(interval), 1);
}
