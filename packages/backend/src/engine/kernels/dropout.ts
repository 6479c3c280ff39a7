import type { TensorInfo } from "@tensorflow/tfjs";
import { expects } from "./expects.ts";
import type { EngineKernel, KernelCall } from "./kernel.ts";

/** The mask depends on the seed alone, so that the gradient is dropout, too. */
function dropout(input: "x" | "dy"): (call: KernelCall) => TensorInfo[] {
  return ({ inputs, attributes, backend }) => {
    const x = inputs[input] as TensorInfo;
    const { rate, seed } = attributes as { rate: number; seed: number };
    const y = backend.output(x.shape, "float32");
    backend.run("dropout", x, rate, seed >>> 0, y);
    return [y];
  };
}

export const dropoutKernels: readonly EngineKernel[] = [
  { name: "TesseraDropout", check: expects({ x: "float32 (…)" }), run: dropout("x") },
  { name: "TesseraDropoutGradient", check: expects({ dy: "float32 (…)" }), run: dropout("dy") },
];
