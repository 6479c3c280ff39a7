import type { TensorInfo } from "@tensorflow/tfjs";
import { expects } from "./expects.ts";
import type { EngineKernel, KernelCall } from "./kernel.ts";

function embedding({ inputs, backend }: KernelCall): TensorInfo[] {
  const { ids, table } = inputs as { ids: TensorInfo; table: TensorInfo };
  const width = table.shape[1] as number;
  const y = backend.output([...ids.shape, width], "float32");
  backend.run("embedding", ids, table, width, y);
  return [y];
}

/**
 * The table's gradient; if it has one already, `into`, which nobody else holds, dy is added to that in place. A
 * vocabulary's gradient can be the largest tensor of all, and most of its rows are zeros.
 */
function embeddingGradient({ inputs, attributes, backend }: KernelCall): TensorInfo[] {
  const { dy, ids, into } = inputs as { dy: TensorInfo; ids: TensorInfo; into?: TensorInfo };
  const { vocabSize } = attributes as { vocabSize: number };
  const width = dy.shape.at(-1) as number;
  if (into !== undefined && backend.refCount(into.dataId) === 1) {
    backend.run("embedding_gradient", true, ids, dy, width, into);
    backend.incRef(into.dataId);
    return [{ ...into }];
  }
  const gradient = backend.output([vocabSize, width], "float32");
  backend.run("embedding_gradient", false, ids, dy, width, gradient);
  return [gradient];
}

export const embeddingKernels: readonly EngineKernel[] = [
  { name: "TesseraEmbedding", check: expects({ ids: "int32 (…)", table: "float32 (V, C)" }), run: embedding },
  {
    name: "TesseraEmbeddingGradient",
    check: expects({ ids: "int32 (…)", dy: "float32 (…, C)", "into?": "float32 (V, C)" }),
    run: embeddingGradient,
  },
];
