import type { TensorInfo } from "@tensorflow/tfjs";
import { expects } from "./expects.ts";
import type { EngineKernel, KernelCall } from "./kernel.ts";

function sampleTokens({ inputs, attributes, backend }: KernelCall): TensorInfo[] {
  const { logits, uniforms } = inputs as { logits: TensorInfo; uniforms: TensorInfo };
  const { temperature, topK, topP, minP } = attributes as Record<string, number>;
  const tokens = backend.output(uniforms.shape, "int32");
  backend.run("sample", logits, temperature, topK, topP, minP, uniforms, tokens);
  return [tokens];
}

export const sampleKernels: readonly EngineKernel[] = [
  {
    name: "TesseraSampleTokens",
    check: expects({ logits: "float32 (B, V)", uniforms: "float32 (B)" }),
    run: sampleTokens,
  },
];
