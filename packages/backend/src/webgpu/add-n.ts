import {
  AddN,
  getKernel,
  type KernelBackend,
  type KernelFunc,
  registerKernel,
  type TensorInfo,
  unregisterKernel,
} from "@tensorflow/tfjs";

/** A shader may use eight buffers; one of them is its output. */
const TERMS = 7;

/** Σ x[i] for any number of terms: the stock kernel hands all of them to one shader, which fails beyond seven. */
export function replaceAddN(): void {
  const stock = getKernel(AddN, "webgpu").kernelFunc;
  const add = (terms: readonly TensorInfo[], backend: object): TensorInfo =>
    stock({ inputs: terms as never, backend, attrs: {} }) as TensorInfo;
  const kernelFunc: KernelFunc = ({ inputs, backend }) => {
    const [...terms] = inputs as unknown as readonly TensorInfo[];
    let sum = add(terms.splice(0, TERMS), backend);
    while (terms.length > 0) {
      const partial = sum;
      sum = add([partial, ...terms.splice(0, TERMS - 1)], backend);
      (backend as KernelBackend).disposeData(partial.dataId);
    }
    return sum;
  };
  unregisterKernel(AddN, "webgpu");
  registerKernel({ kernelName: AddN, backendName: "webgpu", kernelFunc });
}
