import { slice, tidy, transpose } from "@tensorflow/tfjs";
import { type Embedding, Linear } from "@tessera-lm/layers";
import {
  combinedReport,
  dequantize,
  type QuantizationReport,
  quantizationReport,
  type StorageType,
} from "@tessera-lm/weights";
import { QuantizedModelError } from "../errors.ts";
import { requireOptions } from "../require-argument.ts";
import { type Band, bandsOf } from "./bands.ts";
import { storable, store } from "./storable.ts";
import { requireStorageType } from "./storage-type.ts";
import { QuantizedParts, sizeOf } from "./stored-matrix.ts";

/** How the weights of a model can be kept. */
export type QuantizedType = Exclude<StorageType, "F32">;

/** What quantising one matrix did. */
export interface QuantizedMatrixReport extends QuantizationReport {
  /** Such as `blocks.0.attention.query`. */
  readonly path: string;
  /** As asked for; F16 where rows are no whole blocks of 32. */
  readonly type: StorageType;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** What quantising a model did, as plain data. */
export interface QuantizedModelReport {
  readonly type: QuantizedType;
  readonly matrices: readonly QuantizedMatrixReport[];
  /** Bytes of all these matrices; norms, biases and positions stay float32. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** √(Σ squared errors / Σ squared weights) over all these matrices. */
  readonly relativeRmse: number;
  /** What the option `perplexity` gave before and after. */
  readonly perplexityBefore?: number;
  readonly perplexityAfter?: number;
}

export interface QuantizeModelOptions {
  /** Measures the model, before and after. Default: nothing is measured. */
  readonly perplexity?: () => number | Promise<number>;
}

/**
 * Puts the weights of linear layers, embeddings and heads into 16, 8 or 4 bits, in place and one matrix after the other:
 * memory holds the model and one matrix in its new form. Computing goes on in float32, on the stored blocks. A matrix whose rows are no
 * whole blocks of 32 becomes F16, as in llama.cpp. The model can then be run and written with `saveGguf`, not trained.
 * @param model any model of this package, without adapters
 * @throws {QuantizedModelError} if there is nothing to quantise: the model has been quantised before
 * @throws {StorageTypeError | ArgumentError} for another type, or options that are none
 * @throws {QuantizationError} of `@tessera-lm/weights`, for weights that the type cannot hold, such as NaN in blocks and 100,000 in F16; the matrices before stay quantised
 */
export async function quantizeModel(
  model: object,
  type: QuantizedType,
  options: QuantizeModelOptions = {},
): Promise<QuantizedModelReport> {
  requireStorageType(type, "F32");
  requireOptions("quantizeModel", options);
  const found = storable(Object(model));
  if (found.size === 0) throw new QuantizedModelError();
  const perplexityBefore = await options.perplexity?.();
  const matrices: QuantizedMatrixReport[] = [];
  for (const [path, module] of found) {
    matrices.push(await quantizeModule(model, path, module, type));
  }
  const perplexityAfter = await options.perplexity?.();
  const total = (field: "bytesBefore" | "bytesAfter"): number => matrices.reduce((sum, each) => sum + each[field], 0);
  return {
    type,
    matrices,
    bytesBefore: total("bytesBefore"),
    bytesAfter: total("bytesAfter"),
    relativeRmse: combinedReport(matrices).relativeRmse,
    ...(perplexityBefore !== undefined && { perplexityBefore, perplexityAfter }),
  };
}

async function quantizeModule(
  model: object,
  path: string,
  module: Linear | Embedding,
  type: QuantizedType,
): Promise<QuantizedMatrixReport> {
  const shape = rowShape(module);
  const parts = new QuantizedParts(path, type, shape);
  const reports: QuantizationReport[] = [];
  for (const band of bandsOf(shape)) {
    const values = await rowsOf(module, band);
    const blocks = parts.put(values, shape[1], band[0]);
    reports.push(quantizationReport(values, dequantize(blocks, parts.format)));
  }
  const matrix = parts.matrix();
  store(model, module, matrix);
  const bytesBefore = 4 * shape[0] * shape[1];
  return { path, type: matrix.format, bytesBefore, bytesAfter: sizeOf(matrix), ...combinedReport(reports) };
}

/** (O, I) of a weight, which is (I, O) in a linear layer. */
function rowShape(module: Linear | Embedding): readonly [outputs: number, inputs: number] {
  const [first, second] = module.weight.shape;
  return module instanceof Linear ? [second, first] : [first, second];
}

/** Some rows of a weight as (O, I). */
async function rowsOf(module: Linear | Embedding, [start, end]: Band): Promise<Float32Array> {
  const rows = tidy(() => {
    if (!(module instanceof Linear)) return slice(module.weight, [start, 0], [end - start, -1]);
    return transpose(slice(module.weight, [0, start], [-1, end - start]));
  });
  try {
    return await rows.data<"float32">();
  } finally {
    rows.dispose();
  }
}
