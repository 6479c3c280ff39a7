import {
  argMax,
  gather,
  logSumExp,
  reshape,
  sub,
  type Tensor1D,
  type Tensor2D,
  tensor1d,
  tensor2d,
  tidy,
} from "@tensorflow/tfjs";
import type { LanguageModel } from "@tessera-lm/layers";
import type { TokenId } from "@tessera-lm/tokenizer";
import { NotANumberError } from "./errors.ts";

/** Different continuations of one sequence of inputs: one row of a batch serves them all. */
export interface Row {
  readonly inputs: readonly TokenId[];
  readonly pairs: { readonly index: number; readonly targets: readonly TokenId[] }[];
}

/** Whether a row needs logits at its last position only: its continuations are of one token. */
export const asksLastOnly = (row: Row): boolean => row.pairs.every((pair) => pair.targets.length === 1);

/** A target token, and the position whose logits predict it. */
interface Target {
  readonly pair: number;
  /** Row of the gathered logits. */
  readonly position: number;
  readonly token: number;
}

interface PairScore {
  readonly index: number;
  logLikelihood: number;
  isGreedy: boolean;
}

/**
 * Runs rows through the model as one batch, padded on the right, and scores every pair of each. If all rows ask about
 * their last position only, they must be of the same length, and other logits are not computed.
 */
export async function scoreRows(model: LanguageModel, rows: readonly Row[]): Promise<PairScore[]> {
  const lastOnly = rows.every(asksLastOnly);
  const { positions, targets } = locate(rows, lastOnly);
  const [logProbabilities, best] = await predictions(model, rows, positions, targets, lastOnly);
  const scores = new Map<number, PairScore>();
  for (const [i, { pair, position, token }] of targets.entries()) {
    const score = scores.get(pair) ?? { index: pair, logLikelihood: 0, isGreedy: true };
    score.logLikelihood += logProbabilities[i] ?? Number.NaN;
    score.isGreedy &&= best[position] === token;
    scores.set(pair, score);
  }
  for (const { index, logLikelihood } of scores.values()) {
    if (Number.isNaN(logLikelihood)) throw new NotANumberError(`Pair ${index}`);
  }
  return [...scores.values()];
}

const longestOf = (rows: readonly Row[]): number => Math.max(...rows.map((row) => row.inputs.length));

/** The positions, in the flattened logits, that predict something, each once; and the targets that refer to them. */
function locate(rows: readonly Row[], lastOnly: boolean): { positions: number[]; targets: Target[] } {
  const positions = new Map<number, number>();
  const targets: Target[] = [];
  const time = longestOf(rows);
  for (const [b, { inputs, pairs }] of rows.entries()) {
    for (const pair of pairs) {
      for (const [i, token] of pair.targets.entries()) {
        const flat = lastOnly ? b : b * time + inputs.length - pair.targets.length + i;
        const position = positions.get(flat) ?? positions.size;
        positions.set(flat, position);
        targets.push({ pair: pair.index, position, token });
      }
    }
  }
  return { positions: [...positions.keys()], targets };
}

/** log p of each target, and the most probable token at each position. */
async function predictions(
  model: LanguageModel,
  rows: readonly Row[],
  positions: readonly number[],
  targets: readonly Target[],
  lastOnly: boolean,
): Promise<[Float32Array, Int32Array]> {
  const vocabSize = model.vocabSize;
  const tensors = tidy(() => {
    const logits: Tensor2D = reshape(model.forward(padded(rows), { lastOnly }), [-1, vocabSize]); // (B·T, V), or (B, V)
    const wanted: Tensor2D = gather(logits, tensor1d([...positions], "int32")); // (P, V)
    const at = tensor1d(
      targets.map((target) => target.position),
      "int32",
    ); // (N)
    const cells = tensor1d(
      targets.map((target) => target.position * vocabSize + target.token),
      "int32",
    ); // (N)
    const picked = gather(reshape(wanted, [-1]), cells); // (N)
    return [sub(picked, gather(logSumExp(wanted, -1), at)) as Tensor1D, argMax(wanted, -1) as Tensor1D] as const;
  });
  try {
    return await Promise.all([tensors[0].data<"float32">(), tensors[1].data<"int32">()]);
  } finally {
    for (const tensor of tensors) tensor.dispose();
  }
}

function padded(rows: readonly Row[]): Tensor2D {
  const time = longestOf(rows);
  const ids = new Int32Array(rows.length * time);
  for (const [b, { inputs }] of rows.entries()) ids.set(inputs, b * time);
  return tensor2d(ids, [rows.length, time], "int32"); // (B, T)
}
