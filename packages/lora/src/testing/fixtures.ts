import { type Tensor, type Tensor2D, tensor } from "@tensorflow/tfjs";
import { Gpt2, huggingFaceNames } from "@tessera-lm/gpt";
import { loadModel } from "@tessera-lm/gpt/node";
import { openSafetensorsFile } from "@tessera-lm/weights/node";
import { expect } from "vitest";

/** Path of a file or folder that `make-peft.py` made. */
export const fixture = (name: string): string => new URL(`../fixtures/${name}`, import.meta.url).pathname;

export const names: { moduleName: typeof huggingFaceNames } = { moduleName: huggingFaceNames };

export async function loadBase(): Promise<Gpt2> {
  const model = await loadModel(fixture("tiny-gpt2"));
  if (model instanceof Gpt2) return model;
  throw new TypeError("tiny-gpt2 is no GPT-2");
}

/** A tensor of PEFT's. */
export async function expected(name: string): Promise<Tensor> {
  const file = await openSafetensorsFile(fixture("expected.safetensors"));
  const { data, shape, dtype } = await file.read(name);
  await file.close();
  return tensor(data as Float32Array | Int32Array, [...shape], dtype === "I32" ? "int32" : "float32");
}

export const tokens = async (): Promise<Tensor2D> => (await expected("tokens")) as Tensor2D;

/** max |found − wanted| / max |wanted| */
export async function relativeError(found: Tensor, wanted: Tensor): Promise<number> {
  expect(found.shape).toEqual(wanted.shape);
  const [a, b] = await Promise.all([found.data<"float32">(), wanted.data<"float32">()]);
  const difference = a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);
  return difference / b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}
