import { type TensorInfo, util } from "@tensorflow/tfjs";
import { KernelInputError } from "../../errors.ts";
import { expects } from "./expects.ts";
import type { EngineKernel, KernelCall } from "./kernel.ts";

interface Attributes {
  readonly format: keyof typeof FORMATS;
  readonly outputs: number;
  readonly inputs: number;
  readonly bytes: number;
}

/** The numbers of the formats in the engine. */
const FORMATS = { F32: 0, BF16: 1, F16: 2, Q8_0: 3, Q4_0: 4 };

function storedLinear({ inputs, attributes, backend }: KernelCall): TensorInfo {
  const { x, weight, bias } = inputs as { x: TensorInfo; weight: TensorInfo; bias?: TensorInfo };
  const { outputs, ...matrix } = attributes as unknown as Attributes;
  const leading = x.shape.slice(0, -1);
  const y = backend.output([...leading, outputs], "float32");
  const stored = [matrix.bytes, FORMATS[matrix.format], matrix.inputs, outputs];
  backend.run("linear_stored", x, weight, ...stored, bias, util.sizeFromShape(leading), y);
  return y;
}

function storedEmbedding({ inputs, attributes, backend }: KernelCall): TensorInfo {
  const { ids, table } = inputs as { ids: TensorInfo; table: TensorInfo };
  const { bytes, format, inputs: width, outputs } = attributes as unknown as Attributes;
  const y = backend.output([...ids.shape, width], "float32");
  backend.run("embedding_stored", ids, table, bytes, FORMATS[format], width, outputs, y);
  return y;
}

/** Checks the inputs against the sizes of the stored matrix. */
function fits(matrix: string, patterns: (attributes: Attributes) => Record<string, string>): EngineKernel["check"] {
  return (kernel, call) => {
    const attributes = call.attributes as unknown as Attributes;
    expects(patterns(attributes))(kernel, call);
    const words = call.inputs[matrix] as TensorInfo;
    const enough = Math.ceil(attributes.bytes / 4);
    if ((words.shape[0] as number) >= enough) return;
    throw new KernelInputError(kernel, matrix, `int32 (W) with W ≥ ${enough}`, words, new Map());
  };
}

export const storedMatrixKernels: readonly EngineKernel[] = [
  {
    name: "TesseraStoredLinear",
    check: fits("weight", ({ inputs, outputs }) => ({
      x: `float32 (…, ${inputs})`,
      weight: "int32 (W)",
      "bias?": `float32 (${outputs})`,
    })),
    run: storedLinear,
  },
  {
    name: "TesseraStoredEmbedding",
    check: fits("table", () => ({ ids: "int32 (…)", table: "int32 (W)" })),
    run: storedEmbedding,
  },
];
