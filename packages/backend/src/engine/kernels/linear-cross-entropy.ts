import type { TensorInfo } from "@tensorflow/tfjs";
import type { EngineBackend } from "../backend.ts";
import { expects } from "./expects.ts";
import type { EngineKernel, KernelCall } from "./kernel.ts";
import { wantedOf } from "./wanted.ts";

function linearCrossEntropy({ inputs, attributes, backend }: KernelCall): TensorInfo[] {
  const { hidden, weight, targets } = inputs as { hidden: TensorInfo; weight: TensorInfo; targets: TensorInfo };
  const [vocabSize, width] = weight.shape as [number, number];
  const wanted = wantedOf(attributes);
  const gradientOf = (name: string, { shape }: TensorInfo) =>
    wanted.includes(name) ? backend.output(shape, "float32") : undefined;
  const [hiddenGradient, weightGradient] = [gradientOf("hidden", hidden), gradientOf("weight", weight)];
  const loss = backend.output([], "float32");
  const logits = backend.output([chunkRows(hidden.shape[0] as number, vocabSize), vocabSize], "float32");
  const sizes = [vocabSize, width];
  backend.run("linear_cross_entropy", hidden, weight, ...sizes, targets, logits, loss, hiddenGradient, weightGradient);
  backend.disposeIntermediateTensorInfo(logits);
  if (wanted.length === 0) return [loss];
  return [loss, hiddenGradient ?? zero(backend), weightGradient ?? zero(backend)];
}

/**
 * Logits of one chunk: 25 Mi numbers, 100 MiB, 512 rows of GPT-2's vocabulary. Each chunk reads and writes the whole
 * gradient of the weights, so that half as many rows take 6 % longer; twice as many gain 4 %.
 */
const CHUNK_LOGITS = 25 * 2 ** 20;

/** How many rows have their logits in memory at a time: equal parts, at least one row. */
function chunkRows(numRows: number, vocabSize: number): number {
  const most = Math.max(1, Math.floor(CHUNK_LOGITS / Math.max(1, vocabSize)));
  return Math.max(1, Math.ceil(numRows / Math.ceil(numRows / most || 1)));
}

function zero(backend: EngineBackend): TensorInfo {
  return backend.makeTensorInfo([], "float32", new Float32Array(1));
}

function linearCrossEntropyGradient({ inputs, attributes, backend }: KernelCall): TensorInfo[] {
  const { dy, hiddenGradient, weightGradient } = inputs as Record<string, TensorInfo>;
  const saved: Record<string, TensorInfo | undefined> = { hidden: hiddenGradient, weight: weightGradient };
  return wantedOf(attributes).map((name) => scaled(backend, saved[name] as TensorInfo, dy as TensorInfo));
}

/**
 * x · dy: in the memory of x if only the tape holds it, which reads it this once. It can be the largest tensor of all.
 */
function scaled(backend: EngineBackend, x: TensorInfo, dy: TensorInfo): TensorInfo {
  if (backend.refCount(x.dataId) === 1) {
    backend.run("linear_cross_entropy_gradient", dy, undefined, x);
    backend.incRef(x.dataId);
    return { ...x };
  }
  const y = backend.output(x.shape, "float32");
  backend.run("linear_cross_entropy_gradient", dy, x, y);
  return y;
}

// Each of any shape: one that is not wanted is a scalar.
const SCALED = [
  expects({ dy: "float32 ()", hiddenGradient: "float32 (…)" }),
  expects({ dy: "float32 ()", weightGradient: "float32 (…)" }),
];

export const linearCrossEntropyKernels: readonly EngineKernel[] = [
  {
    name: "TesseraLinearCrossEntropy",
    check: expects({ hidden: "float32 (N, C)", weight: "float32 (V, C)", targets: "int32 (N)" }),
    run: linearCrossEntropy,
  },
  {
    name: "TesseraLinearCrossEntropyGradient",
    check: (kernel, call) => SCALED.forEach((check) => check(kernel, call)),
    run: linearCrossEntropyGradient,
  },
];
