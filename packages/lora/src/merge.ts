import { add, matMul, mul, tidy } from "@tensorflow/tfjs";
import { replaceModules } from "@tessera-lm/layers";
import { adapterOf } from "./adapter.ts";
import { unfreeze } from "./freeze.ts";
import { LoraLinear, loraScale } from "./lora-linear.ts";

/**
 * W += scale · A · B: builds the adapter into the model, whose layers are plain ones again and compute the same. What
 * the adapter froze is trainable again, and A and B are freed. Cannot be undone.
 * @throws AdapterStateError when the model has no adapter.
 */
export function mergeLora(model: object): void {
  for (const { weight, loraA, loraB, lora } of adapterOf(model).modules.values()) {
    tidy(() => weight.assign(add(weight, mul(matMul(loraA, loraB), loraScale(lora))))); // (I, r) · (r, O)
  }
  removeLora(model);
}

/**
 * Takes the adapter out of the model, which is then what it was before: its own layers, trainable what was trainable.
 * A and B are freed.
 * @throws AdapterStateError when the model has no adapter.
 */
export function removeLora(model: object): void {
  const adapter = adapterOf(model);
  replaceModules(model, (_, module) => (module instanceof LoraLinear ? module.base : undefined));
  for (const parameter of adapter.parameters().values()) parameter.dispose();
  unfreeze(model);
}
