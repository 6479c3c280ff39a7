import { concat, slice, type Tensor2D, tensor2d, tidy } from "@tensorflow/tfjs";
import type { LanguageModel } from "@tessera-lm/layers";
import { disposedReader, type Reader } from "./reader.ts";
import { windowOf } from "./window.ts";

/** Reads all that the model may see, each time. */
export class WholeReader implements Reader {
  readonly windowSize: number;
  readonly #model: LanguageModel;
  #isDisposed = false;

  constructor(model: LanguageModel, windowSize: number) {
    this.#model = model;
    this.windowSize = windowSize;
  }

  begin(): void {}

  async next(sequences: readonly (readonly number[])[]): Promise<Tensor2D> {
    return tidy(() => concat(sequences.map((sequence) => this.#logits(sequence, true))));
  }

  async nextOfLast(sequence: readonly number[], count: number): Promise<Tensor2D> {
    return tidy(() => {
      const logits = this.#logits(sequence, false); // (T, V)
      return slice(logits, [logits.shape[0] - count, 0]);
    });
  }

  rearrange(): void {}

  dispose(): void {
    this.#isDisposed = true;
  }

  #logits(sequence: readonly number[], lastOnly: boolean): Tensor2D {
    if (this.#isDisposed) throw disposedReader();
    const window = windowOf(sequence, this.windowSize);
    const tokens = tensor2d([window as number[]], [1, window.length], "int32"); // (1, T)
    return this.#model.forward(tokens, { lastOnly }).reshape([-1, this.#model.vocabSize]);
  }
}
