import type { TensorInfo } from "@tensorflow/tfjs";
import { expects } from "./expects.ts";
import type { EngineKernel, KernelCall } from "./kernel.ts";
import { wantedOf } from "./wanted.ts";

function softmax({ inputs, backend }: KernelCall): TensorInfo {
  const { logits } = inputs as { logits: TensorInfo };
  const y = backend.output(logits.shape, "float32");
  backend.run("softmax", logits, logits.shape.at(-1) ?? 1, y);
  return y;
}

function crossEntropy({ inputs, attributes, backend }: KernelCall): TensorInfo[] {
  const { logits, targets } = inputs as { logits: TensorInfo; targets: TensorInfo };
  const losses = backend.output(targets.shape, "float32");
  const logSumExp = wantedOf(attributes).length > 0 ? backend.output(targets.shape, "float32") : undefined;
  backend.run("cross_entropy", logits, targets, losses, logSumExp);
  return logSumExp ? [losses, logSumExp] : [losses];
}

function crossEntropyGradient({ inputs, backend }: KernelCall): TensorInfo[] {
  const { dy, logits, targets, logSumExp } = inputs as Record<string, TensorInfo>;
  const gradient = backend.output((logits as TensorInfo).shape, "float32");
  backend.run("cross_entropy_gradient", dy, logits, targets, logSumExp, gradient);
  return [gradient];
}

const LABELLED = { logits: "float32 (N, V)", targets: "int32 (N)" };

export const crossEntropyKernels: readonly EngineKernel[] = [
  { name: "Softmax", accepts: ({ logits }) => logits?.dtype === "float32", run: softmax },
  { name: "TesseraCrossEntropy", check: expects(LABELLED), run: crossEntropy },
  {
    name: "TesseraCrossEntropyGradient",
    check: expects({ ...LABELLED, logSumExp: "float32 (N)", dy: "float32 (N)" }),
    run: crossEntropyGradient,
  },
];
