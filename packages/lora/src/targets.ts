import { Variable } from "@tensorflow/tfjs";
import { type Module, modules } from "@tessera-lm/layers";
import { UnmatchedTargetError } from "./errors.ts";
import { type LinearLayer, LoraLinear } from "./lora-linear.ts";

/**
 * Which layers to adapt: a string names the end of a layer's path, in whole segments (`qkv`, `attention.qkv`,
 * `blocks.0.attention.qkv`), as in PEFT; a regular expression is searched in the path.
 */
export type LoraTarget = string | RegExp;

export function matchesTarget(path: string, target: LoraTarget): boolean {
  return typeof target === "string" ? path === target || path.endsWith(`.${target}`) : path.search(target) >= 0;
}

/** Every plain linear layer of a model by its path. A layer that is used twice is found at each place. */
export function linearLayers(model: object): Map<string, LinearLayer> {
  const found = new Map<string, LinearLayer>();
  for (const { path, module } of modules(model)) if (isLinear(module)) found.set(path, module);
  return found;
}

/**
 * By its shape, so that layers of other libraries, or of another copy of ours, count too: a matrix named `weight`.
 * Embeddings have one as well, and give `logits`.
 */
function isLinear(module: Module): module is LinearLayer {
  if (module instanceof LoraLinear || "logits" in module) return false;
  return "weight" in module && module.weight instanceof Variable && module.weight.rank === 2;
}

/**
 * The paths of the linear layers that some target matches.
 * @throws UnmatchedTargetError when a target matches none.
 */
export function matchTargets(paths: readonly string[], targets: readonly LoraTarget[]): Set<string> {
  for (const target of targets) {
    if (!paths.some((path) => matchesTarget(path, target))) throw new UnmatchedTargetError(target, paths);
  }
  return new Set(paths.filter((path) => targets.some((target) => matchesTarget(path, target))));
}

/** The shortest endings of the chosen paths that match them all and no other path: what to call them in a configuration. */
export function namesOf(chosen: ReadonlySet<string>, paths: readonly string[]): string[] {
  const names = new Set<string>();
  for (const path of chosen) {
    const segments = path.split(".");
    const endings = segments.map((_, i) => segments.slice(segments.length - 1 - i).join("."));
    const matchesOnlyChosen = (name: string): boolean =>
      paths.every((other) => chosen.has(other) || !matchesTarget(other, name));
    names.add(endings.find(matchesOnlyChosen) ?? path);
  }
  return [...names].sort();
}
