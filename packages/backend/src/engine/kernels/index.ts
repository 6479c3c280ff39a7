import type { EngineKernel } from "./kernel.ts";

/** All kernels of the engine. Every other kernel of TensorFlow.js is tfjs-backend-cpu's, on the same memory. */
export const engineKernels: readonly EngineKernel[] = [];
