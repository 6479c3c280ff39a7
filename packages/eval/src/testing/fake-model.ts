import {
  logSoftmax,
  mul,
  neg,
  oneHot,
  type Scalar,
  sum,
  type Tensor2D,
  type Tensor3D,
  tensor3d,
  tidy,
} from "@tensorflow/tfjs";
import type { ForwardOptions, LanguageModel } from "@tessera-lm/layers";

/** p(token | the tokens before it, the last one first to be asked about), as a row of probabilities. */
export type Probabilities = (seen: readonly number[]) => readonly number[];

/** A model whose probabilities are known, and may depend on what it sees. */
export class FakeModel implements LanguageModel {
  readonly vocabSize: number;
  readonly contextLength: number;
  /** Shapes of the batches that it was asked about. */
  readonly batches: number[][] = [];
  readonly #probabilities: Probabilities;

  constructor(vocabSize: number, contextLength: number, probabilities: Probabilities) {
    this.vocabSize = vocabSize;
    this.contextLength = contextLength;
    this.#probabilities = probabilities;
  }

  forward(tokens: Tensor2D, options?: ForwardOptions): Tensor3D {
    this.batches.push([...tokens.shape]);
    const after = (seen: number[]): number[] => this.#probabilities(seen).map(Math.log);
    const rows = tokens.arraySync();
    if (options?.lastOnly) return tensor3d(rows.map((row) => [after(row)]));
    return tensor3d(rows.map((row) => row.map((_, t) => after(row.slice(0, t + 1)))));
  }

  tokenLosses(tokens: Tensor2D, targets: Tensor2D): Tensor2D {
    // oneHot of -1 is a row of zeros.
    return tidy(() => neg(sum(mul(logSoftmax(this.forward(tokens)), oneHot(targets, this.vocabSize)), -1)) as Tensor2D);
  }

  loss(tokens: Tensor2D, targets: Tensor2D): Scalar {
    return tidy(() => sum(this.tokenLosses(tokens, targets)));
  }
}

/** The token that follows the last one upward has probability `right`; the others share the rest. */
export const nextUpward =
  (vocabSize: number, right: number): Probabilities =>
  (seen) =>
    Array.from({ length: vocabSize }, (_, token) =>
      token === ((seen.at(-1) ?? 0) + 1) % vocabSize ? right : (1 - right) / (vocabSize - 1),
    );
