export { type Action, evaluate, saveCheckpoint } from "./actions.ts";
export type { Checkpoint, CheckpointStore } from "./checkpoint.ts";
export type { EarlyStopping } from "./early-stopping.ts";
export {
  CheckpointMismatchError,
  EmptyBatchesError,
  FrozenParameterError,
  InvalidOptionError,
  NonFiniteLossError,
  NonFiniteParameterError,
  NoTargetsError,
  UnknownMetricError,
  UnreachedParameterError,
} from "./errors.ts";
export type { CheckpointSaved, EvalEnd, Sample, StepEnd, Stopped, StopReason, TrainEvent } from "./events.ts";
export { type LossAndGradients, type LossAndGradientsOptions, lossAndGradients } from "./loss-and-gradients.ts";
export type { Metric } from "./metric.ts";
export {
  type LossTerms,
  nextToken,
  type Objective,
  type ObjectiveContext,
  type ObjectiveOptions,
  sequenceToSequence,
} from "./objective.ts";
export { type AdamWOptions, adamw } from "./optimizers/adamw.ts";
export { chain } from "./optimizers/chain.ts";
export { clipByGlobalNorm } from "./optimizers/clip-by-global-norm.ts";
export { disposeGradients, type Gradients, type GradientTransform } from "./optimizers/gradients.ts";
export type { Optimizer } from "./optimizers/optimizer.ts";
export { type SgdOptions, sgd } from "./optimizers/sgd.ts";
export type { TrainOptions } from "./options.ts";
export type { Run } from "./run.ts";
export {
  constant,
  type DecayOptions,
  type Schedule,
  type WarmupOptions,
  warmupConstant,
  warmupCosine,
  warmupLinear,
} from "./schedules.ts";
export { train } from "./train.ts";
export type { TrainerState } from "./trainer-state.ts";
