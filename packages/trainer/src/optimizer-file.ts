import type { HostTensor, TensorToWrite } from "@tessera-lm/weights";
import { openSafetensorsFile, writeSafetensorsFile } from "@tessera-lm/weights/node";

/** Writes the state of an optimiser as it is, one tensor after the other: nothing is rounded, nothing gathered. */
export function writeOptimizer(path: string, state: ReadonlyMap<string, TensorToWrite>): Promise<void> {
  return writeSafetensorsFile(path, state);
}

/** Reads what `writeOptimizer` wrote, whole. @throws the errors of `openSafetensorsFile` */
export async function readOptimizer(path: string): Promise<Map<string, HostTensor>> {
  const file = await openSafetensorsFile(path);
  try {
    const state = new Map<string, HostTensor>();
    for (const name of file.entries.keys()) state.set(name, await file.read(name));
    return state;
  } finally {
    await file.close();
  }
}
