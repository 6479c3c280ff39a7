import type { Tensor } from "@tensorflow/tfjs";
import { dropout as applyDropout, type Dropout, foldIn } from "@tessera-lm/ops";
import type { ForwardOptions } from "./language-model.ts";

/**
 * The options for one part of a module: the same, with a dropout seed of its own, so that no two parts drop the same
 * positions. A module numbers its parts and its own dropout sites 0, 1, 2, …
 */
export function atSite(options: ForwardOptions | undefined, site: number): ForwardOptions | undefined {
  return options?.seed === undefined ? options : { ...options, seed: foldIn(options.seed, site) };
}

/** The mask of one dropout site; undefined where dropout is off: the rate is 0, or there is no seed. */
export function dropoutAt(rate: number, options: ForwardOptions | undefined, site: number): Dropout | undefined {
  return rate > 0 && options?.seed !== undefined ? { rate, seed: foldIn(options.seed, site) } : undefined;
}

/** `x` with dropout at one site of a module, or `x` itself where dropout is off. Any shape. */
export function withDropout(x: Tensor, rate: number, options: ForwardOptions | undefined, site: number): Tensor {
  const mask = dropoutAt(rate, options, site);
  return mask === undefined ? x : applyDropout(x, mask);
}
