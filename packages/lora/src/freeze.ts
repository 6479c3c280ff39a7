import { type Parameter, parameters } from "@tessera-lm/layers";

/** What `freeze` froze in each model, so that parameters that were frozen before stay so. */
const frozen = new WeakMap<object, readonly Parameter[]>();

/** Marks every parameter of a model as not trainable: operations then compute no gradient for it. */
export function freeze(model: object): void {
  const trainable = [...parameters(model).values()].filter((parameter) => parameter.trainable);
  for (const parameter of trainable) parameter.trainable = false;
  frozen.set(model, trainable);
}

/** Makes trainable again what `freeze` froze. */
export function unfreeze(model: object): void {
  for (const parameter of frozen.get(model) ?? []) parameter.trainable = true;
  frozen.delete(model);
}
