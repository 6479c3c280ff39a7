import type { TensorInfo } from "@tensorflow/tfjs";
import { KernelInputError } from "../../errors.ts";
import { expects } from "./expects.ts";
import type { EngineKernel, KernelCall } from "./kernel.ts";

/** The gradient turns back what the operation turned. With positions, each row has its own. */
function rope(input: "x" | "dy"): (call: KernelCall) => TensorInfo[] {
  return ({ inputs, attributes, backend }) => {
    const [x, { positions }] = [inputs[input] as TensorInfo, inputs];
    const { frequencies, start, interleaved } = attributes as {
      frequencies: number[];
      start: number;
      interleaved: boolean;
    };
    const [B, T] = x.shape as [number, number, number];
    const y = backend.output(x.shape, "float32");
    backend.run("rotary", B, T, frequencies, start, positions, interleaved, input === "dy", x, y);
    return [y];
  };
}

/** Checks that the last axis holds whole heads. */
function fits(input: "x" | "dy"): EngineKernel["check"] {
  const pattern = "float32 (B, T, H·D)";
  const check = expects({ [input]: pattern, "positions?": "int32 (B, T)" });
  return (kernel, call) => {
    check(kernel, call);
    const D = 2 * (call.attributes as { frequencies: number[] }).frequencies.length;
    const x = call.inputs[input] as TensorInfo;
    if ((x.shape[2] as number) % D !== 0) throw new KernelInputError(kernel, input, pattern, x, new Map([["D", D]]));
  };
}

export const ropeKernels: readonly EngineKernel[] = [
  { name: "TesseraRope", check: fits("x"), run: rope("x") },
  { name: "TesseraRopeAt", check: fits("x"), run: rope("x") },
  { name: "TesseraRopeGradient", check: fits("dy"), run: rope("dy") },
];
