import { gather, reshape, scatterND, type Tensor, type Tensor2D } from "@tensorflow/tfjs";
import { differentiable, type Operation } from "./differentiable.ts";
import { rows } from "./rows.ts";
import { requireFloat, requireIds, requireType } from "./validate.ts";

/**
 * embedding(ids) = table[ids]: one row of the table per id.
 *
 * @param ids (…) int32, each in [0, V)
 * @param table (V, C)
 * @returns (…, C)
 * @throws ShapeError if the table is not a matrix or the ids are not int32
 * @throws TokenIdError if an id is outside the table (checked on the cpu and wasm backends)
 */
export function embedding(ids: Tensor, table: Tensor2D): Tensor {
  requireType("embedding", "ids", ids, "int32");
  requireFloat("embedding", "table", table, "V", "C");
  return differentiable(EMBEDDING, { ids, table }, { vocabSize: table.shape[0] });
}

type Inputs = { ids: Tensor; table: Tensor2D };
type Saved = { ids: Tensor };

const EMBEDDING: Operation<Inputs, Saved, { vocabSize: number }> = {
  kernel: "TesseraEmbedding",
  differentiable: ["table"],
  outputs: ["y"],
  saved: ["ids"],
  accumulates: "table",

  forward({ ids, table }, { vocabSize }) {
    requireIds("embedding", ids, 0, vocabSize);
    return [gather(table, ids)]; // (…, C)
  },

  backward(dy, { ids }, { vocabSize }) {
    const g = rows(dy); // (N, C)
    // scatterND adds up the rows of repeated ids, on every backend and in time N·C.
    return { table: () => scatterND(reshape(ids, [-1, 1]), g, [vocabSize, g.shape[1]]) };
  },
};
