import { randomGenerator } from "@tessera-lm/layers";
import { attach, type LoraAdapter, requireNoAdapter } from "./adapter.ts";
import { LoraOptionError } from "./errors.ts";
import { createLoraLinear, type LinearLayer, type LoraLinear, type LoraShape } from "./lora-linear.ts";
import { type LoraTarget, linearLayers, matchTargets } from "./targets.ts";

/** The defaults of rank, alpha, dropout and scale are PEFT's. */
export interface LoraOptions extends Partial<LoraShape> {
  /** Which linear layers to adapt, such as `["qkv"]`. */
  readonly targets: readonly LoraTarget[];
  /** r, the width of the bottleneck. Default 8. */
  readonly rank?: number;
  /** The update is multiplied by alpha / rank. Default 8. */
  readonly alpha?: number;
  /** Rate of dropout on the adapters' inputs, in training only. Default 0. */
  readonly dropout?: number;
  /** Multiply by alpha / √rank instead (rsLoRA). Default false. */
  readonly rankStabilized?: boolean;
  /** Seed of A at the start; B starts at 0, so that the model's output is at first unchanged. */
  readonly seed: number;
}

/**
 * W → W + (alpha / rank) · A · B in each target, with W frozen and only A and B to train. The model is changed in place:
 * targets become `LoraLinear`, and every other parameter is marked as not trainable.
 * @throws UnmatchedTargetError when a target matches no linear layer.
 * @throws LoraOptionError when an option is out of range.
 * @throws AdapterStateError when the model has an adapter already.
 */
export function applyLora(model: object, options: LoraOptions): LoraAdapter {
  requireNoAdapter(model);
  const lora = checkedShape(options);
  const layers = linearLayers(model);
  const chosen = matchTargets([...layers.keys()], options.targets);
  if (chosen.size === 0) throw new LoraOptionError("targets", "empty", "at least one name or regular expression");
  return attach(model, adapt(layers, chosen, lora, options.seed));
}

/** One adapted layer per linear layer, also where one stands at two places. */
function adapt(
  layers: ReadonlyMap<string, LinearLayer>,
  chosen: ReadonlySet<string>,
  lora: LoraShape,
  seed: number,
): Map<string, LoraLinear> {
  const random = randomGenerator(seed);
  const made = new Map<LinearLayer, LoraLinear>();
  const adapted = new Map<string, LoraLinear>();
  for (const [path, layer] of layers) {
    if (!chosen.has(path)) continue;
    const lorified = made.get(layer) ?? createLoraLinear(layer, lora, random);
    made.set(layer, lorified);
    adapted.set(path, lorified);
  }
  return adapted;
}

function checkedShape({ rank = 8, alpha = 8, dropout = 0, rankStabilized = false }: Partial<LoraShape>): LoraShape {
  if (!Number.isInteger(rank) || rank < 1) throw new LoraOptionError("rank", rank, "a whole number of at least 1");
  if (!Number.isFinite(alpha)) throw new LoraOptionError("alpha", alpha, "a finite number");
  if (!(dropout >= 0 && dropout < 1)) throw new LoraOptionError("dropout", dropout, "a rate in [0, 1)");
  return { rank, alpha, dropout, rankStabilized };
}
