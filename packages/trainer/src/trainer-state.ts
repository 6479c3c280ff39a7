import type { BatchState } from "@tessera-lm/data";
import type { EvalEnd } from "./events.ts";

/** Everything about a run that is not a tensor, as plain JSON: `trainer_state.json`. */
export interface TrainerState {
  readonly version: 1;
  /** The last step that was made. */
  readonly step: number;
  readonly seed: number;
  /** Targets learned from, over the whole run. */
  readonly tokens: number;
  /** Where the batches stand. */
  readonly batches: BatchState;
  readonly evaluations: readonly EvalEnd[];
  /** The shape of every trained parameter, by name: tells another model before anything is read. */
  readonly parameters: Readonly<Record<string, readonly number[]>>;
}
