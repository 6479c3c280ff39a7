import { InvalidOptionError } from "./errors.ts";

/** The learning rate of a step; steps count from 1, as in events. */
export type Schedule = (step: number) => number;

export interface WarmupOptions {
  /** The learning rate after warmup. */
  readonly peak: number;
  /** Steps of linear growth before `peak`; 0 by default. */
  readonly warmupSteps?: number;
}

export interface DecayOptions extends WarmupOptions {
  /** The learning rate at the end; 0 by default. */
  readonly end?: number;
  /** Length of the whole run, warmup included. */
  readonly steps: number;
}

/** learningRate(step) = value. */
export function constant(value: number): Schedule {
  return () => value;
}

/** learningRate(step) = peak · step / (warmupSteps + 1) during warmup, then peak. */
export function warmupConstant({ peak, warmupSteps = 0 }: WarmupOptions): Schedule {
  return (step) => (step <= warmupSteps ? (peak * step) / (warmupSteps + 1) : peak);
}

/** As `warmupConstant` during warmup, then end + (1 − r) · (peak − end), where r goes from 0 to 1 over the rest. */
export function warmupLinear(options: DecayOptions): Schedule {
  return warmupThen(options, (r) => 1 - r);
}

/**
 * As `warmupConstant` during warmup, then end + ½ (1 + cos πr) · (peak − end), where r goes from 0 to 1 over the rest:
 * nanoGPT's `get_lr`, whose iteration is `step − 1`.
 */
export function warmupCosine(options: DecayOptions): Schedule {
  return warmupThen(options, (r) => 0.5 * (1 + Math.cos(Math.PI * r)));
}

function warmupThen({ peak, end = 0, warmupSteps = 0, steps }: DecayOptions, share: (r: number) => number): Schedule {
  if (!(steps > 0)) throw new InvalidOptionError("steps", steps, "the length of the run, at least 1");
  const warmup = warmupConstant({ peak, warmupSteps });
  return (step) => {
    const iteration = step - 1;
    if (iteration < warmupSteps) return warmup(step);
    if (iteration >= steps) return end;
    return end + share((iteration - warmupSteps) / (steps - warmupSteps)) * (peak - end);
  };
}
