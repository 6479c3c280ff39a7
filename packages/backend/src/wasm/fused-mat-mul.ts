import { _FusedMatMul, getKernel, type KernelConfig, type TensorInfo } from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { isSmall } from "./batch-mat-mul.ts";
import { address, wasmModule } from "./heap.ts";

/**
 * _FusedMatMul (product, bias, activation) for the wasm backend: the stock kernel, with B lent under another name, so
 * that it keeps no packed copy of B beyond the product and never multiplies by an old one. Transposes are as slow as in
 * the stock kernel; the gradient of a fused product uses BatchMatMul.
 */
export function fusedMatMulKernel(): KernelConfig {
  const stock = getKernel(_FusedMatMul, "wasm") as KernelConfig;
  const kernelFunc: KernelConfig["kernelFunc"] = (call) => {
    const { a, b } = call.inputs as { a: TensorInfo; b: TensorInfo };
    if (isSmall(a, b)) return stock.kernelFunc(call);
    const backend = call.backend as BackendWasm;
    const lent = backend.makeOutput(b.shape, b.dtype, address(backend, b));
    const result = stock.kernelFunc({ ...call, inputs: { ...call.inputs, b: lent } });
    wasmModule(backend).tfjs.disposeData(backend.dataIdMap.get(lent.dataId).id);
    backend.dataIdMap.delete(lent.dataId);
    return result;
  };
  return { ...stock, kernelFunc };
}
