import type { Parameter } from "@tessera-lm/layers";
import type { EvalEnd } from "./events.ts";
import type { Optimizer } from "./optimizers/optimizer.ts";
import type { TrainerState } from "./trainer-state.ts";

/** A run as actions see it. */
export interface Run {
  /** The last step that was made. */
  readonly step: number;
  /** The step of the checkpoint that it started from, or 0. */
  readonly resumedFrom: number;
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly optimizer: Optimizer;
  /** Every evaluation of the run's own rhythm so far, those before a resume too; none of `whenStopped`. */
  readonly evaluations: readonly EvalEnd[];
  /** Of `train`: when it is aborted, an action should end early. */
  readonly signal?: AbortSignal | undefined;
  /** All of the run that is not a tensor. */
  state(): TrainerState;
}
