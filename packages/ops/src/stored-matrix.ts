import {
  add,
  gather,
  matMul,
  type Rank,
  reshape,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor2d,
} from "@tensorflow/tfjs";
import { fused } from "./differentiable.ts";
import { OptionError, ShapeError } from "./errors.ts";
import { rows } from "./rows.ts";
import { requireFloat, requireIds, requireType } from "./validate.ts";

/** How the numbers of a stored matrix are written: 16 bits each, or llama.cpp's blocks of 8 and 4 bits. */
export type StorageFormat = "F32" | "BF16" | "F16" | "Q8_0" | "Q4_0";

/** A matrix of weights that stays as it was stored, for a model that is only run. */
export interface StoredMatrix {
  readonly format: StorageFormat;
  /** (O, I): the numbers of one output are neighbours, as in PyTorch and GGUF; I is a multiple of 32 in blocks. */
  readonly shape: readonly [outputs: number, inputs: number];
  /** Its bytes, in whole words: (⌈bytes / 4⌉) int32. */
  readonly words: Tensor1D;
  /** The numbers as float32, (O · I): what a backend without a kernel computes with. */
  unpack(): Float32Array;
}

/**
 * storedLinear(x) = x · Wᵀ + b with W as it was stored, computed in float32. There is no gradient.
 * @param x (…, I)
 * @param weight (O, I)
 * @param bias (O)
 * @returns (…, O)
 * @throws ShapeError if the shapes do not fit together
 */
export function storedLinear<R extends Rank>(x: Tensor<R>, weight: StoredMatrix, bias?: Tensor1D): Tensor<R> {
  const [outputs, inputs] = weight.shape;
  requireStored("storedLinear", weight);
  requireFloat("storedLinear", "x", x, "…", inputs);
  if (bias) requireFloat("storedLinear", "bias", bias, outputs);
  const given = { x, weight: weight.words, ...(bias && { bias }) };
  return fused("TesseraStoredLinear", given, attributesOf(weight), () => {
    const product = matMul(rows(x), unpacked(weight), false, true); // (N, O)
    return [reshape(bias ? add(product, bias) : product, [...x.shape.slice(0, -1), outputs])];
  })[0] as Tensor<R>;
}

/**
 * storedEmbedding(ids) = W[ids]: rows of a stored matrix. There is no gradient.
 * @param ids (…) int32, each in [0, O)
 * @param table (O, I)
 * @returns (…, I)
 * @throws ShapeError if the ids are not int32
 * @throws TokenIdError if an id is outside of the table (checked on the cpu and wasm backends)
 */
export function storedEmbedding(ids: Tensor, table: StoredMatrix): Tensor {
  requireStored("storedEmbedding", table);
  requireType("storedEmbedding", "ids", ids, "int32");
  const given = { ids, table: table.words };
  return fused("TesseraStoredEmbedding", given, attributesOf(table), () => {
    requireIds("storedEmbedding", ids, 0, table.shape[0]);
    return [gather(unpacked(table), ids)];
  })[0] as Tensor;
}

/** How many bytes a block of so many numbers takes. */
const BLOCKS: Readonly<Record<StorageFormat, readonly [numbers: number, bytes: number]>> = {
  F32: [1, 4],
  BF16: [1, 2],
  F16: [1, 2],
  Q8_0: [32, 34],
  Q4_0: [32, 18],
};

function attributesOf(matrix: StoredMatrix): { format: StorageFormat; outputs: number; inputs: number; bytes: number } {
  const [outputs, inputs] = matrix.shape;
  return { format: matrix.format, outputs, inputs, bytes: bytesOf(matrix) };
}

function bytesOf({ format, shape: [outputs, inputs] }: StoredMatrix): number {
  const [numbers, bytes] = BLOCKS[format];
  return ((outputs * inputs) / numbers) * bytes;
}

function requireStored(operation: string, matrix: StoredMatrix): void {
  const { format, shape, words } = matrix;
  if (!(format in BLOCKS)) throw new OptionError(operation, `there is no storage format ${JSON.stringify(format)}`);
  const [numbers] = BLOCKS[format];
  if (shape[1] % numbers !== 0) {
    throw new ShapeError(operation, `rows of ${shape[1]} numbers are not whole blocks of ${numbers} in ${format}`);
  }
  requireType(operation, "words", words, "int32");
  if (words.size * 4 >= bytesOf(matrix)) return;
  throw new ShapeError(
    operation,
    `a ${format} matrix of (${shape.join(", ")}) has ${bytesOf(matrix)} bytes, but words has ${words.size * 4}`,
  );
}

function unpacked(matrix: StoredMatrix): Tensor2D {
  return tensor2d(matrix.unpack(), [...matrix.shape]);
}
