/** One update of the parameters was made. */
export interface StepEnd {
  readonly type: "step-end";
  /** From 1. */
  readonly step: number;
  /** Mean −log p per target in nats, over all micro-batches, before the update. */
  readonly loss: number;
  readonly learningRate: number;
  /** Global norm of the gradient of `loss`, before clipping. */
  readonly gradientNorm: number;
  /** Targets learned from, per second. */
  readonly tokensPerSecond: number;
  readonly milliseconds: number;
}

/** An evaluation was made: its numbers lie beside its name. */
export interface EvalEnd {
  readonly type: "eval-end";
  readonly step: number;
  readonly name: string;
  readonly loss?: number;
  readonly [metric: string]: string | number | undefined;
}

/** The model wrote something. */
export interface Sample {
  readonly type: "sample";
  readonly step: number;
  readonly text: string;
}

/** A checkpoint stands, whole and synced to disk. */
export interface CheckpointSaved {
  readonly type: "checkpoint-saved";
  readonly step: number;
  readonly path: string;
}

export type StopReason = "finished" | "stop-after" | "aborted" | "early-stopping";

/** The last event of every run that ends without an error. */
export interface Stopped {
  readonly type: "stopped";
  readonly step: number;
  readonly reason: StopReason;
}

/** What `train` yields: plain objects that survive JSON. */
export type TrainEvent = StepEnd | EvalEnd | Sample | CheckpointSaved | Stopped;
