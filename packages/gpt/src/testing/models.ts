import { type Tensor2D, type Tensor3D, tensor3d, zeros } from "@tensorflow/tfjs";
import type { ForwardOptions, LanguageModel } from "@tessera-lm/layers";
import { createDecoder } from "../decoder/decoder.ts";
import { createGpt2 } from "../decoder/gpt2.ts";

const sizes = { vocabSize: 50, contextLength: 20, numLayers: 2, numHeads: 4, width: 16 };
const llama = { ...sizes, numKeyValueHeads: 2, norm: "rms", activation: "silu", gated: true, bias: false } as const;

/** Small models of every kind that a decoder can be. */
export const decoders: Readonly<Record<string, () => LanguageModel>> = {
  "GPT-2": () => createGpt2(sizes, 1),
  "rotary, grouped heads": () => createDecoder({ ...llama, positions: "rotary" }, 1),
  "a sliding window": () => createDecoder({ ...llama, positions: "rotary", slidingWindow: 5 }, 1),
  ALiBi: () => createDecoder({ ...sizes, positions: "alibi" }, 1),
  "sinusoidal positions": () => createDecoder({ ...sizes, positions: "sinusoidal" }, 1),
  "learned positions": () => createDecoder({ ...sizes, positions: "learned" }, 1),
};

/** The same model to which one cannot give a cache; keeps how many tokens it was given each time. */
export class Watched implements LanguageModel {
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly supportsCache: boolean;
  readonly lengths: number[] = [];
  readonly #model: LanguageModel;

  constructor(model: LanguageModel, { supportsCache = false }: { supportsCache?: boolean } = {}) {
    this.#model = model;
    this.vocabSize = model.vocabSize;
    this.contextLength = model.contextLength;
    this.supportsCache = supportsCache;
  }

  forward(tokens: Tensor2D, options?: ForwardOptions): Tensor3D {
    this.lengths.push(tokens.shape[1]);
    return this.#model.forward(tokens, options);
  }

  tokenLosses = (): Tensor2D => zeros([1, 1]);
  loss = (): never => {
    throw new RangeError("not asked for");
  };
}

/** A model whose logits after a token are a row of a table: (V, V). */
export class Table implements LanguageModel {
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly #table: readonly (readonly number[])[];

  constructor(table: readonly (readonly number[])[], contextLength = 4) {
    this.#table = table;
    this.vocabSize = table.length;
    this.contextLength = contextLength;
  }

  forward(tokens: Tensor2D, options?: ForwardOptions): Tensor3D {
    const rows = tokens.arraySync().map((row) => (options?.lastOnly ? row.slice(-1) : row));
    return tensor3d(rows.map((row) => row.map((token) => [...this.#table[token]])));
  }

  tokenLosses = (): Tensor2D => zeros([1, 1]);
  loss = (): never => {
    throw new RangeError("not asked for");
  };
}
