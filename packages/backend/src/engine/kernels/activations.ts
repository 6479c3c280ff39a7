import type { NamedAttrMap, TensorInfo } from "@tensorflow/tfjs";
import { expects } from "./expects.ts";
import type { EngineKernel, KernelCall } from "./kernel.ts";
import { wantedOf } from "./wanted.ts";

/** A function of each number by itself, and its gradient, by the commands `command` and `command_gradient`. */
function elementwise(name: string, commandOf: (attributes: NamedAttrMap) => string): EngineKernel[] {
  const forward = ({ inputs, attributes, backend }: KernelCall): TensorInfo[] => {
    const { x } = inputs as { x: TensorInfo };
    const y = backend.output(x.shape, "float32");
    backend.run(commandOf(attributes), x, y);
    return [y];
  };
  const backward = ({ inputs, attributes, backend }: KernelCall): TensorInfo[] => {
    const { x, dy } = inputs as { x: TensorInfo; dy: TensorInfo };
    const dx = backend.output(x.shape, "float32");
    backend.run(`${commandOf(attributes)}_gradient`, x, dy, dx);
    return [dx];
  };
  return [
    { name, check: expects({ x: "float32 (…)" }), run: forward },
    { name: `${name}Gradient`, check: expects({ x: "float32 (…)", dy: "float32 (…)" }), run: backward },
  ];
}

function swiglu({ inputs, backend }: KernelCall): TensorInfo[] {
  const { gate, up } = inputs as { gate: TensorInfo; up: TensorInfo };
  const y = backend.output(gate.shape, "float32");
  backend.run("swiglu", gate, up, y);
  return [y];
}

/** Both gradients, which need the same exponential; one that nobody asked for is freed. */
function swigluGradient({ inputs, attributes, backend }: KernelCall): TensorInfo[] {
  const { gate, up, dy } = inputs as { gate: TensorInfo; up: TensorInfo; dy: TensorInfo };
  const gradients = new Map(["gate", "up"].map((name) => [name, backend.output(gate.shape, "float32")]));
  backend.run("swiglu_gradient", gate, up, dy, gradients.get("gate"), gradients.get("up"));
  const wanted = wantedOf(attributes);
  for (const [name, gradient] of gradients) {
    if (!wanted.includes(name)) backend.disposeIntermediateTensorInfo(gradient);
  }
  return wanted.map((name) => gradients.get(name) as TensorInfo);
}

const GATED = { gate: "float32 (…)", up: "float32 (…)" };

export const activationKernels: readonly EngineKernel[] = [
  ...elementwise("TesseraGelu", ({ approximation }) => (approximation === "tanh" ? "gelu_tanh" : "gelu")),
  ...elementwise("TesseraSilu", () => "silu"),
  { name: "TesseraSwiglu", check: expects(GATED), run: swiglu },
  { name: "TesseraSwigluGradient", check: expects({ ...GATED, dy: "float32 (…)" }), run: swigluGradient },
];
