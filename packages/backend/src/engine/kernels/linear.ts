import { type TensorInfo, util } from "@tensorflow/tfjs";
import { expects } from "./expects.ts";
import type { EngineKernel, KernelCall } from "./kernel.ts";
import { newGradients } from "./wanted.ts";

function linear({ inputs, backend }: KernelCall): TensorInfo {
  const { x, weight, bias } = inputs as { x: TensorInfo; weight: TensorInfo; bias?: TensorInfo };
  const [inputSize, outputSize] = weight.shape as [number, number];
  const y = backend.output([...x.shape.slice(0, -1), outputSize], "float32");
  backend.run("linear", x, weight, bias, rowsOf(x), inputSize, outputSize, NO_ACTIVATION, y);
  return y;
}

function linearGradient(call: KernelCall): TensorInfo[] {
  const { dy, x, weight } = call.inputs as { dy: TensorInfo; x: TensorInfo; weight: TensorInfo };
  const [inputSize, outputSize] = weight.shape as [number, number];
  const gradients = newGradients(call, { x, weight, bias: { ...weight, shape: [outputSize] } });
  const sizes = [rowsOf(x), inputSize, outputSize];
  call.backend.run("linear_gradient", dy, x, weight, ...sizes, gradients.x, gradients.weight, gradients.bias);
  return Object.values(gradients);
}

function rowsOf({ shape }: TensorInfo): number {
  return util.sizeFromShape(shape.slice(0, -1));
}

const NO_ACTIVATION = 0;

const LINEAR = { x: "float32 (…, I)", weight: "float32 (I, O)" };

export const linearKernels: readonly EngineKernel[] = [
  { name: "TesseraLinear", check: expects({ ...LINEAR, "bias?": "float32 (O)" }), run: linear },
  { name: "TesseraLinearGradient", check: expects({ ...LINEAR, dy: "float32 (…, O)" }), run: linearGradient },
];
