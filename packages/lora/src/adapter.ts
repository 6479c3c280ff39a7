import { modules, type Parameter, replaceModules } from "@tessera-lm/layers";
import { AdapterStateError } from "./errors.ts";
import { freeze } from "./freeze.ts";
import { LoraLinear } from "./lora-linear.ts";

/** The trainable part of a model whose base is frozen. */
export interface LoraAdapter {
  /** The adapted layers, by their paths in the model. */
  readonly modules: ReadonlyMap<string, LoraLinear>;
  /** The parameters to train, such as `blocks.0.attention.qkv.loraA`, in the order of the model's layers. */
  parameters(): Map<string, Parameter>;
}

/** The adapter that a model has. @throws AdapterStateError when it has none. */
export function adapterOf(model: object): LoraAdapter {
  const adapted = loraLayers(model);
  if (adapted.size === 0) throw new AdapterStateError("The model has no adapter. Call applyLora or loadAdapter first.");
  return { modules: adapted, parameters: () => loraParameters(adapted) };
}

/** @throws AdapterStateError when the model has an adapter. */
export function requireNoAdapter(model: object): void {
  if (loraLayers(model).size === 0) return;
  throw new AdapterStateError("The model has an adapter already. Call mergeLora or removeLora first.");
}

/** Freezes the model and puts the adapted layers in their places. */
export function attach(model: object, adapted: ReadonlyMap<string, LoraLinear>): LoraAdapter {
  freeze(model);
  replaceModules(model, (path) => adapted.get(path));
  return adapterOf(model);
}

/** Adapted layers by path. One that stands at several places is found under its first path. */
function loraLayers(model: object): Map<string, LoraLinear> {
  const found = new Map<string, LoraLinear>();
  const seen = new Set<LoraLinear>();
  for (const { path, module } of modules(model)) {
    if (!(module instanceof LoraLinear) || seen.has(module)) continue;
    seen.add(module);
    found.set(path, module);
  }
  return found;
}

function loraParameters(adapted: ReadonlyMap<string, LoraLinear>): Map<string, Parameter> {
  const entries = [...adapted].flatMap(([path, { loraA, loraB }]): [string, Parameter][] => [
    [`${path}.loraA`, loraA],
    [`${path}.loraB`, loraB],
  ]);
  return new Map(entries);
}
