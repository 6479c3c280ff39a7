import type { TensorInfo } from "@tensorflow/tfjs";
import type { EngineBackend } from "../backend.ts";
import { expects } from "./expects.ts";
import type { EngineKernel, KernelCall } from "./kernel.ts";

function cachedAttention({ inputs, attributes, backend }: KernelCall): TensorInfo[] {
  const { query, key, value, positions } = inputs as Record<string, TensorInfo>;
  const { numHeads, numGroups, window } = attributes as Record<string, number>;
  const { keys, values } = inputs as Record<"keys" | "values", TensorInfo>;
  const [B, T, width] = (query as TensorInfo).shape as [number, number, number];
  const kept = [owned(backend, keys), owned(backend, values)];
  const sizes = [B, numHeads, numGroups, T, keys.shape[1] as number, width / (numHeads as number)] as number[];
  const options = [Number(CAUSAL), window as number, NO_DROPOUT, 0];
  const y = backend.output([B, T, width], "float32");
  backend.run("cached_attention", ...sizes, ...options, query, key, value, positions, ...kept, y);
  return [y, ...kept];
}

/** The tensor itself if nobody else refers to it, else a copy. */
function owned(backend: EngineBackend, tensor: TensorInfo): TensorInfo {
  if (backend.refCount(tensor.dataId) === 1) {
    backend.incRef(tensor.dataId);
    return { ...tensor };
  }
  backend.refuseRecording(); // again and again it would copy the same old state
  const copy = backend.output(tensor.shape, "float32");
  backend.copy(tensor, copy);
  return copy;
}

const CAUSAL = true;
const NO_DROPOUT = 0;

export const cachedAttentionKernels: readonly EngineKernel[] = [
  {
    name: "TesseraCachedAttention",
    check: expects({
      query: "float32 (B, T, H·D)",
      key: "float32 (B, T, G·D)",
      value: "float32 (B, T, G·D)",
      positions: "int32 (B, T)",
      keys: "float32 (B, S, G·D)",
      values: "float32 (B, S, G·D)",
    }),
    run: cachedAttention,
  },
];
