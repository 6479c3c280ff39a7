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
  run(call: KernelCall): TensorInfo | TensorInfo[];
}
