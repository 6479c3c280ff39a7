import { activationKernels } from "./activations.ts";
import { arrangeKernels } from "./arrange.ts";
import { attentionKernels } from "./attention.ts";
import { cachedAttentionKernels } from "./cached-attention.ts";
import { crossEntropyKernels } from "./cross-entropy.ts";
import { dropoutKernels } from "./dropout.ts";
import { elementwiseKernels } from "./elementwise.ts";
import { embeddingKernels } from "./embedding.ts";
import { gatherKernels } from "./gather.ts";
import type { EngineKernel } from "./kernel.ts";
import { linearKernels } from "./linear.ts";
import { linearCrossEntropyKernels } from "./linear-cross-entropy.ts";
import { matMulKernels } from "./matmul.ts";
import { normKernels } from "./norms.ts";
import { optimizerKernels } from "./optimizer.ts";
import { reduceKernels } from "./reduce.ts";
import { ropeKernels } from "./rope.ts";
import { sampleKernels } from "./sample.ts";
import { storedMatrixKernels } from "./stored-matrix.ts";

/** All kernels of the engine. Every other kernel of TensorFlow.js is tfjs-backend-cpu's, on the same memory. */
export const engineKernels: readonly EngineKernel[] = [
  ...activationKernels,
  ...arrangeKernels,
  ...attentionKernels,
  ...cachedAttentionKernels,
  ...crossEntropyKernels,
  ...dropoutKernels,
  ...elementwiseKernels,
  ...embeddingKernels,
  ...gatherKernels,
  ...linearKernels,
  ...linearCrossEntropyKernels,
  ...matMulKernels,
  ...normKernels,
  ...optimizerKernels,
  ...reduceKernels,
  ...ropeKernels,
  ...sampleKernels,
  ...storedMatrixKernels,
];
