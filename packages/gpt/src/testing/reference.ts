import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Tensor2D, tensor2d } from "@tensorflow/tfjs";
import type { HostTensor } from "@tessera-lm/weights";
import { openSafetensorsFile } from "@tessera-lm/weights/node";
import { expect } from "vitest";

/** Every tensor of a safetensors file. */
export async function readTensors(path: string): Promise<Map<string, HostTensor>> {
  const file = await openSafetensorsFile(path);
  const tensors = new Map<string, HostTensor>();
  for (const name of file.entries.keys()) tensors.set(name, await file.read(name));
  await file.close();
  return tensors;
}

/** Numbers that a reference computed. */
export class Reference {
  readonly #tensors: ReadonlyMap<string, HostTensor>;

  constructor(tensors: ReadonlyMap<string, HostTensor>) {
    this.#tensors = tensors;
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  numbers(name: string): Float32Array | Int32Array {
    const { data } = this.#get(name);
    if (data instanceof Float32Array || data instanceof Int32Array) return data;
    throw new TypeError(`${name} holds no numbers`);
  }

  /** A matrix of ids. */
  ids(name: string): Tensor2D {
    return tensor2d(this.numbers(name), this.#get(name).shape as [number, number], "int32");
  }

  #get(name: string): HostTensor {
    const found = this.#tensors.get(name);
    if (found === undefined) throw new RangeError(`the reference has no ${name}`);
    return found;
  }
}

export async function readReference(folder: string): Promise<Reference> {
  return new Reference(await readTensors(join(folder, "reference.safetensors")));
}

export function greatestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  return Array.from(actual).reduce((worst, value, i) => {
    const difference = Math.abs(value - expected[i]);
    return Number.isNaN(difference) ? Infinity : Math.max(worst, difference);
  }, 0);
}

/** Runs with a temporary folder. */
export async function inTemporaryFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "tessera-gpt-"));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
