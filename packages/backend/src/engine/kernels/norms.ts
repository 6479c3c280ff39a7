import { type TensorInfo, util } from "@tensorflow/tfjs";
import { expects } from "./expects.ts";
import type { EngineKernel, KernelCall } from "./kernel.ts";
import { newGradients, wantedOf } from "./wanted.ts";

function layerNorm({ inputs, attributes, backend }: KernelCall): TensorInfo[] {
  const { x, scale, shift } = inputs as { x: TensorInfo; scale: TensorInfo; shift?: TensorInfo };
  const { epsilon } = attributes as { epsilon: number };
  const y = backend.output(x.shape, "float32");
  const statistics = wantedOf(attributes).length > 0 ? [columnOf(x), columnOf(x)] : [];
  const [mean, rstd] = statistics.map((shape) => backend.output(shape, "float32"));
  backend.run("layer_norm", x, scale, shift, epsilon, y, mean, rstd);
  return mean && rstd ? [y, mean, rstd] : [y];
}

function layerNormGradient(call: KernelCall): TensorInfo[] {
  const { dy, x, scale, mean, rstd } = call.inputs as Record<string, TensorInfo>;
  const gradients = newGradients(call, { x, scale, shift: scale });
  call.backend.run("layer_norm_gradient", dy, x, scale, mean, rstd, gradients.x, gradients.scale, gradients.shift);
  return Object.values(gradients);
}

function rmsNorm({ inputs, attributes, backend }: KernelCall): TensorInfo[] {
  const { x, scale } = inputs as { x: TensorInfo; scale: TensorInfo };
  const { epsilon } = attributes as { epsilon: number };
  const y = backend.output(x.shape, "float32");
  const rstd = wantedOf(attributes).length > 0 ? backend.output(columnOf(x), "float32") : undefined;
  backend.run("rms_norm", x, scale, epsilon, y, rstd);
  return rstd ? [y, rstd] : [y];
}

function rmsNormGradient(call: KernelCall): TensorInfo[] {
  const { dy, x, scale, rstd } = call.inputs as { dy: TensorInfo; x: TensorInfo; scale: TensorInfo; rstd: TensorInfo };
  const gradients = newGradients(call, { x, scale });
  call.backend.run("rms_norm_gradient", dy, x, scale, rstd, gradients.x, gradients.scale);
  return Object.values(gradients);
}

/** The shape of one number for each row of x: (N, 1). */
function columnOf({ shape }: TensorInfo): number[] {
  return [util.sizeFromShape(shape.slice(0, -1)), 1];
}

const SCALED = { x: "float32 (…, C)", scale: "float32 (C)" };

export const normKernels: readonly EngineKernel[] = [
  { name: "TesseraLayerNorm", check: expects({ ...SCALED, "shift?": "float32 (C)" }), run: layerNorm },
  {
    name: "TesseraLayerNormGradient",
    check: expects({ ...SCALED, dy: "float32 (…, C)", mean: "float32 (N, 1)", rstd: "float32 (N, 1)" }),
    run: layerNormGradient,
  },
  { name: "TesseraRmsNorm", check: expects(SCALED), run: rmsNorm },
  {
    name: "TesseraRmsNormGradient",
    check: expects({ ...SCALED, dy: "float32 (…, C)", rstd: "float32 (N, 1)" }),
    run: rmsNormGradient,
  },
];
