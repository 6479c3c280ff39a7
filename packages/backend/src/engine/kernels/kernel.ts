import type { NamedAttrMap, NamedTensorInfoMap, TensorInfo } from "@tensorflow/tfjs";
import type { EngineBackend } from "../backend.ts";

/** What a kernel is called with. */
export interface KernelCall {
  readonly inputs: NamedTensorInfoMap;
  readonly attributes: NamedAttrMap;
  readonly backend: EngineBackend;
}

/** A kernel of TensorFlow.js as commands to the engine. */
export interface EngineKernel {
  readonly name: string;
  /** Whether it can do this; what it cannot, tfjs-backend-cpu's kernel does. Default: everything. */
  accepts?(inputs: NamedTensorInfoMap, attributes: NamedAttrMap): boolean;
  /**
   * Throws if the inputs are not what it needs, before a command that would read past their end is queued. Kernels that
   * TensorFlow.js knows are called through its operations, which check them.
   */
  readonly check?: (kernel: string, call: KernelCall) => void;
  run(call: KernelCall): TensorInfo | TensorInfo[];
}
