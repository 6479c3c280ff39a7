import type { Tensor } from "@tensorflow/tfjs";
import type { Parameter } from "@tessera-lm/layers";
import type { HostTensor } from "@tessera-lm/weights";
import { constant, type Schedule } from "../schedules.ts";
import type { Gradients } from "./gradients.ts";

/** Changes parameters along their gradients. Its state is kept by parameter name, never by position. */
export interface Optimizer {
  /** The learning rate of a step; steps count from 1. */
  learningRate(step: number): number;
  /** Makes one step, in place. The gradients stay the caller's. */
  update(parameters: ReadonlyMap<string, Parameter>, gradients: Gradients, step: number): void;
  /** What it remembers between steps, such as `first_moment.blocks.0.attention.qkv.weight`. Live tensors, not copies. */
  state(): Map<string, Tensor>;
  /**
   * Remembers what `state()` was; it is checked against the parameters before anything is changed.
   * @throws CheckpointMismatchError
   */
  restore(state: ReadonlyMap<string, HostTensor>, parameters: ReadonlyMap<string, Parameter>): void;
  /** Frees the state. */
  dispose(): void;
}

/** A learning rate as users may write it: a number or a schedule. */
export function asSchedule(learningRate: number | Schedule): Schedule {
  return typeof learningRate === "number" ? constant(learningRate) : learningRate;
}
