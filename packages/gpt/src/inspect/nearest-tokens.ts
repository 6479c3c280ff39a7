import { concat, div, maximum, norm, range, type Tensor1D, type Tensor2D, tensor1d, tidy } from "@tensorflow/tfjs";
import type { EmbeddingTable } from "@tessera-lm/layers";
import { indicesOfGreatest } from "../indices-of-greatest.ts";

/** A token and the cosine of the angle between its embedding and that of another. */
export interface Neighbor {
  readonly token: number;
  readonly similarity: number;
}

/** Rows of the table that are looked at together. */
const ROWS = 4096;
/** Tokens that are compared with all at a time: 13 MB of cosines with GPT-2's vocabulary. */
const TOKENS = 64;

/**
 * The tokens whose embeddings point into the most similar directions, the most similar first: the cosines with every row
 * of the table, stored in any number of bits.
 * @param table (V, C)
 * @param vocabSize V
 * @param tokens whose neighbours are wanted
 * @param count how many for each; itself is left out
 */
export async function nearestTokens(
  table: EmbeddingTable,
  vocabSize: number,
  tokens: readonly number[],
  count: number,
): Promise<Neighbor[][]> {
  const lengths = lengthsOf(table, vocabSize);
  try {
    const found: Neighbor[][] = [];
    for (let start = 0; start < tokens.length; start += TOKENS) {
      const some = tokens.slice(start, start + TOKENS);
      const cosines = tidy(() => {
        const ids = tensor1d(some, "int32");
        const rows = table.forward(ids) as Tensor2D; // (n, C)
        return div(table.logits(unit(rows)), lengths); // (n, V)
      });
      const numbers = await cosines.data<"float32">();
      cosines.dispose();
      found.push(
        ...some.map((token, i) => neighbors(numbers.subarray(i * vocabSize, (i + 1) * vocabSize), token, count)),
      );
    }
    return found;
  } finally {
    lengths.dispose();
  }
}

function neighbors(cosines: Float32Array, token: number, count: number): Neighbor[] {
  const others = indicesOfGreatest(cosines, count + 1).filter((each) => each !== token);
  return others.slice(0, count).map((each) => ({ token: each, similarity: cosines[each] as number }));
}

const unit = (rows: Tensor2D): Tensor2D => div(rows, maximum(norm(rows, 2, 1, true), TINY));
/** For embeddings that are all zeros. */
const TINY = 1e-12;

/** Of every row, (V). */
function lengthsOf(table: EmbeddingTable, vocabSize: number): Tensor1D {
  return tidy(() => {
    const parts: Tensor1D[] = [];
    for (let start = 0; start < vocabSize; start += ROWS) {
      const ids = range(start, Math.min(vocabSize, start + ROWS), 1, "int32");
      parts.push(tidy(() => maximum(norm(table.forward(ids), 2, 1), TINY)));
    }
    return concat(parts);
  });
}
