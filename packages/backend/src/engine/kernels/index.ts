import { activationKernels } from "./activations.ts";
import { crossEntropyKernels } from "./cross-entropy.ts";
import { dropoutKernels } from "./dropout.ts";
import { embeddingKernels } from "./embedding.ts";
import type { EngineKernel } from "./kernel.ts";
import { normKernels } from "./norms.ts";
import { optimizerKernels } from "./optimizer.ts";

/** All kernels of the engine. Every other kernel of TensorFlow.js is tfjs-backend-cpu's, on the same memory. */
export const engineKernels: readonly EngineKernel[] = [
  ...activationKernels,
  ...crossEntropyKernels,
  ...dropoutKernels,
  ...embeddingKernels,
  ...normKernels,
  ...optimizerKernels,
];
