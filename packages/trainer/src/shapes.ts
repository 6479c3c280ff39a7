import { CheckpointMismatchError } from "./errors.ts";

export type Shape = readonly number[];

/** Every name with its shape must be in both, or the first that is not is named. @throws CheckpointMismatchError */
export function checkShapes(expected: ReadonlyMap<string, Shape>, found: ReadonlyMap<string, Shape>): void {
  for (const [name, shape] of expected) checkShape(name, shape, found.get(name));
  for (const name of found.keys()) {
    if (!expected.has(name)) throw new CheckpointMismatchError(name, "is in the checkpoint but not in this run");
  }
}

/** @throws CheckpointMismatchError */
export function checkShape(name: string, expected: Shape, found: Shape | undefined): void {
  if (found === undefined) throw new CheckpointMismatchError(name, "is not in the checkpoint");
  if (String(found) === String(expected)) return;
  const problem = `has shape [${found.join(", ")}] in the checkpoint and [${expected.join(", ")}] in this run`;
  throw new CheckpointMismatchError(name, problem);
}

export function shapesOf(tensors: ReadonlyMap<string, { readonly shape: Shape }>): Map<string, Shape> {
  return new Map([...tensors].map(([name, { shape }]) => [name, shape]));
}
