import type { Parameter } from "@tessera-lm/layers";
import type { HostTensor, TensorToWrite } from "@tessera-lm/weights";
import { checkNotNegative } from "../check-number.ts";
import { constant, type Schedule } from "../schedules.ts";
import type { Gradients } from "./gradients.ts";

/** Changes parameters along their gradients. Its state is kept by parameter name, never by position. */
export interface Optimizer {
  /** The learning rate of a step of the run; steps count from 1. */
  learningRate(step: number): number;
  /** Makes one update, in place. The gradients stay the caller's; the step is the run's, for the learning rate. */
  update(parameters: ReadonlyMap<string, Parameter>, gradients: Gradients, step: number): void;
  /**
   * What it remembers between updates, such as `first_moment.blocks.0.attention.qkv.weight`, to be written to a file.
   * Not copies: tensors are read when their turn comes, so write them before the next update.
   */
  state(): Map<string, TensorToWrite>;
  /**
   * Remembers what `state()` was; it is checked against the parameters before anything is changed.
   * @throws CheckpointMismatchError
   */
  restore(state: ReadonlyMap<string, HostTensor>, parameters: ReadonlyMap<string, Parameter>): void;
  /** Frees the state. */
  dispose(): void;
}

/**
 * A learning rate as users may write it, a number or a schedule. A number is checked at once, a schedule at every step.
 * @throws InvalidOptionError naming the step
 */
export function asSchedule(learningRate: number | Schedule): Schedule {
  if (typeof learningRate !== "function") {
    checkNotNegative("learningRate", learningRate);
    return constant(learningRate);
  }
  return (step) => {
    const rate = learningRate(step);
    checkNotNegative(`learningRate of step ${step}`, rate);
    return rate;
  };
}
