import type { Tensor, Tensor2D } from "@tensorflow/tfjs";
import { dropout as applyDropout, type Dropout, foldIn } from "@tessera-lm/ops";
import { CacheError } from "./errors.ts";
import type { ForwardOptions } from "./language-model.ts";
import type { LayerCache } from "./layer-cache.ts";

/**
 * The options for one part of a module: the same, with a dropout seed of its own, so that no two parts drop the same
 * positions. A module numbers its parts and its own dropout sites 0, 1, 2, …
 */
export function atSite<Options extends ForwardOptions>(
  options: Options | undefined,
  site: number,
): Options | undefined {
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

/** The options for one layer of a language model, which gets its own part of the cache. */
export function atLayer(options: ForwardOptions | undefined, layer: number): ForwardOptions | undefined {
  return options?.cache === undefined ? options : { ...options, layerCache: options.cache.layer(layer) };
}

/**
 * What attention keeps its keys and values in; undefined where there is no cache.
 * @throws {CacheError} for a cache without positions, or with a mask, which it has no place for
 */
export function keptIn(
  options: ForwardOptions | undefined,
): { readonly cache: LayerCache; readonly positions: Tensor2D } | undefined {
  const { layerCache: cache, positions, mask } = options ?? {};
  if (cache === undefined) return undefined;
  if (positions === undefined) {
    throw new CacheError("forward: a cache needs positions, which say where the tokens stand, (B, T) int32.");
  }
  if (mask !== undefined) {
    throw new CacheError(
      "forward: there is no mask with a cache. Fill shorter sequences up at the end, and give each token its position.",
    );
  }
  return { cache, positions };
}
