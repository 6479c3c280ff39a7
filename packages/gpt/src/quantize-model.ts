import { transpose } from "@tensorflow/tfjs";
import { type Embedding, Linear } from "@tessera-lm/layers";
import type { StoredMatrix } from "@tessera-lm/ops";
import { dequantize, type QuantizationReport, quantizationReport, type StorageType } from "@tessera-lm/weights";
import { QuantizedModelError } from "./errors.ts";
import { storable, store } from "./storable.ts";
import { bytesOf, quantizedMatrix, sizeOf } from "./stored-matrix.ts";

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
 * memory holds the model and one matrix. Computing goes on in float32, on the stored blocks. A matrix whose rows are no
 * whole blocks of 32 becomes F16, as in llama.cpp. The model can then be run and written with `saveGguf`, not trained.
 * @param model any model of this package, without adapters
 * @throws {QuantizedModelError} if there is nothing to quantise: the model has been quantised before
 * @throws {QuantizationError} of `@tessera-lm/weights`, for weights that are NaN or infinite; the matrices before stay quantised
 */
export async function quantizeModel(
  model: object,
  type: QuantizedType,
  options: QuantizeModelOptions = {},
): Promise<QuantizedModelReport> {
  const found = storable(model);
  if (found.size === 0) throw new QuantizedModelError();
  const perplexityBefore = await options.perplexity?.();
  const matrices: QuantizedMatrixReport[] = [];
  let [squares, energy] = [0, 0];
  for (const [path, module] of found) {
    const report = await quantizeModule(model, path, module, type);
    matrices.push(report);
    squares += report.rmse ** 2 * (report.bytesBefore / 4);
    energy += report.rmse === 0 ? 0 : (report.rmse / report.relativeRmse) ** 2 * (report.bytesBefore / 4);
  }
  const perplexityAfter = await options.perplexity?.();
  const total = (field: "bytesBefore" | "bytesAfter"): number => matrices.reduce((sum, each) => sum + each[field], 0);
  return {
    type,
    matrices,
    bytesBefore: total("bytesBefore"),
    bytesAfter: total("bytesAfter"),
    relativeRmse: squares === 0 ? 0 : Math.sqrt(squares / energy),
    ...(perplexityBefore !== undefined && { perplexityBefore, perplexityAfter }),
  };
}

async function quantizeModule(
  model: object,
  path: string,
  module: Linear | Embedding,
  type: QuantizedType,
): Promise<QuantizedMatrixReport> {
  const { values, shape } = await rowsOf(module);
  const matrix: StoredMatrix = quantizedMatrix(values, type, shape);
  const error = quantizationReport(values, dequantize(await bytesOf(matrix), matrix.format));
  store(model, module, matrix);
  return { path, type: matrix.format, bytesBefore: 4 * values.length, bytesAfter: sizeOf(matrix), ...error };
}

/** The numbers of a weight with those of one output as neighbours, (O, I). */
async function rowsOf(
  module: Linear | Embedding,
): Promise<{ readonly values: Float32Array; readonly shape: readonly [number, number] }> {
  const { weight } = module;
  if (!(module instanceof Linear)) return { values: await weight.data<"float32">(), shape: weight.shape };
  const turned = transpose(weight);
  try {
    return { values: await turned.data<"float32">(), shape: [weight.shape[1], weight.shape[0]] };
  } finally {
    turned.dispose();
  }
}
