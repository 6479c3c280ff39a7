import type { Tensor } from "@tensorflow/tfjs";
import type { HostTensor } from "@tessera-lm/weights";
import type { Run } from "./run.ts";
import type { TrainerState } from "./trainer-state.ts";

/** What a run needs to go on as if it had never stopped. */
export interface Checkpoint {
  readonly state: TrainerState;
  /** Values by parameter name; may hold more than is trained. `train` consumes them. */
  readonly parameters: ReadonlyMap<string, Tensor>;
  readonly optimizer: ReadonlyMap<string, HostTensor>;
}

/** A place that keeps checkpoints. */
export interface CheckpointStore {
  /** Asked before the first step: throws if the run must not save here. */
  begin?(run: Run): Promise<void>;
  /** Keeps the run as it is now. @returns where */
  save(run: Run): Promise<string>;
}
