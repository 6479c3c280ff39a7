import type { Tensor } from "@tensorflow/tfjs";
import type { HostTensor } from "@tessera-lm/weights";
import { openSafetensorsFile, writeSafetensorsFile } from "@tessera-lm/weights/node";

/** Writes the state of an optimiser as float32, which is what it is: nothing is rounded. */
export async function writeOptimizer(path: string, state: ReadonlyMap<string, Tensor>): Promise<void> {
  const tensors = [...state].map(async ([name, tensor]): Promise<[string, HostTensor]> => {
    return [name, { dtype: "F32", shape: tensor.shape, data: await tensor.data<"float32">() }];
  });
  await writeSafetensorsFile(path, await Promise.all(tensors));
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
