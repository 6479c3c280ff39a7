import { type KernelConfig, type KernelFunc, type TensorInfo, UnsortedSegmentSum } from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";

/**
 * UnsortedSegmentSum for the wasm backend, which lacks it: y[s] = Σ x[i] over the i with segmentIds[i] = s, the
 * gradient of a lookup. x (N, …), segmentIds (N) → (numSegments, …). As on cpu, ids out of range are left out.
 */
export const unsortedSegmentSum: KernelConfig = {
  kernelName: UnsortedSegmentSum,
  backendName: "wasm",
  kernelFunc: (({ inputs, attrs, backend: anyBackend }) => {
    const backend = anyBackend as BackendWasm;
    const { x, segmentIds } = inputs as { x: TensorInfo; segmentIds: TensorInfo };
    const numSegments = attrs?.numSegments as number;
    const output = backend.makeOutput([numSegments, ...x.shape.slice(1)], x.dtype);
    const y = backend.typedArrayFromHeap(output).fill(0);
    const ids = backend.typedArrayFromHeap(segmentIds);
    const values = backend.typedArrayFromHeap(x);
    const width = ids.length === 0 ? 0 : values.length / ids.length;
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] as number;
      if (id >= 0 && id < numSegments) addRow(y, id * width, values, i * width, width);
    }
    return output;
  }) as KernelFunc,
};

type Values = { [index: number]: number };

function addRow(y: Values, to: number, x: Values, from: number, width: number): void {
  for (let i = 0; i < width; i++) y[to + i] = (y[to + i] as number) + (x[from + i] as number);
}
