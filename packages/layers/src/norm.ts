import type { Rank, Tensor } from "@tensorflow/tfjs";
import { layerNorm, rmsNorm } from "@tessera-lm/ops";
import { ones, zeros } from "./initialize.ts";
import type { ForwardOptions } from "./language-model.ts";
import type { Projection } from "./linear.ts";
import type { Parameter } from "./parameter.ts";

/** y = (x − mean) / √(variance + ε) · scale + shift over the last axis (Ba et al. 2016). */
export class LayerNorm implements Projection {
  readonly scale: Parameter<Rank.R1>; // (C)
  readonly shift?: Parameter<Rank.R1>; // (C)
  readonly epsilon: number;

  constructor(scale: Parameter<Rank.R1>, shift?: Parameter<Rank.R1>, epsilon = 1e-5) {
    this.scale = scale;
    this.shift = shift;
    this.epsilon = epsilon;
  }

  /** (…, C) → (…, C) */
  forward(x: Tensor, _options?: ForwardOptions): Tensor {
    return layerNorm(x, this.scale, this.shift, this.epsilon);
  }
}

export interface LayerNormOptions {
  readonly width: number;
  /** Whether there is a shift. Default true. */
  readonly bias?: boolean;
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number;
}

/** A layer norm that starts with scale 1 and shift 0. */
export function createLayerNorm({ width, bias = true, epsilon }: LayerNormOptions): LayerNorm {
  return new LayerNorm(ones<Rank.R1>([width]), bias ? zeros<Rank.R1>([width]) : undefined, epsilon);
}

/** y = x / √(mean(x²) + ε) · scale over the last axis (Zhang and Sennrich 2019). */
export class RmsNorm implements Projection {
  readonly scale: Parameter<Rank.R1>; // (C)
  readonly epsilon: number;

  constructor(scale: Parameter<Rank.R1>, epsilon = 1e-5) {
    this.scale = scale;
    this.epsilon = epsilon;
  }

  /** (…, C) → (…, C) */
  forward(x: Tensor, _options?: ForwardOptions): Tensor {
    return rmsNorm(x, this.scale, this.epsilon);
  }
}

export interface RmsNormOptions {
  readonly width: number;
  /** Added to the mean square. Default 1e-5. */
  readonly epsilon?: number;
}

/** An RMS norm that starts with scale 1. */
export function createRmsNorm({ width, epsilon }: RmsNormOptions): RmsNorm {
  return new RmsNorm(ones<Rank.R1>([width]), epsilon);
}
