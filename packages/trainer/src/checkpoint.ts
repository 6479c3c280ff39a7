import type { Tensor } from "@tensorflow/tfjs";
import type { BatchState } from "@tessera-lm/data";
import type { HostTensor } from "@tessera-lm/weights";
import type { EvalEnd } from "./events.ts";
import type { Run } from "./run.ts";

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

/** What a run needs to go on as if it had never stopped. */
export interface Checkpoint {
  readonly state: TrainerState;
  /** Values by parameter name; may hold more than is trained. `train` consumes them. */
  readonly parameters: ReadonlyMap<string, Tensor>;
  readonly optimizer: ReadonlyMap<string, HostTensor>;
}

/** A place that keeps checkpoints. */
export interface CheckpointStore {
  /** Keeps the run as it is now. @returns where */
  save(run: Run): Promise<string>;
}
