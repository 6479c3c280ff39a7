import {
  keep,
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tensor1d,
  tidy,
  variable,
} from "@tensorflow/tfjs";
import * as ops from "@tessera-lm/ops";
import { type Numbers, ramp, tensorOf } from "./on-backend.ts";

/** An operation on float inputs; the integer ones are closed over. */
export interface OpsCase {
  readonly operation: keyof typeof ops;
  readonly name: string;
  readonly inputs: readonly Numbers[];
  readonly run: (...inputs: Tensor[]) => Tensor;
}

const drop = { rate: 0.3, seed: 5 };

/** Ids all over a vocabulary, some of them often. */
const ids = (shape: readonly number[], vocabSize: number): Tensor => {
  const size = shape.reduce((product, axis) => product * axis, 1);
  const values = Array.from({ length: size }, (_, i) => (i % 3 === 0 ? 2 : (i * i) % vocabSize));
  return tensorOf({ shape, values, dtype: "int32" });
};

/** Like {@link ids}, with every fourth ignored. */
const targets = (count: number, vocabSize: number): Tensor1D =>
  tidy(() => {
    const values = ids([count], vocabSize).dataSync();
    return tensor1d(
      [...values].map((id, i) => (i % 4 === 1 ? -1 : id)),
      "int32",
    );
  });

/** What can be differentiated, in small and in sizes that no block or vector of a fast kernel divides. */
export const differentiableCases: readonly OpsCase[] = [
  ...linear([2, 3, 5], 7),
  ...linear([3, 67, 130], 97),
  ...linear([1, 1, 40], 33),
  embedding([2, 3], [7, 4]),
  embedding([5, 101], [65, 33]),
  ...layerNorm([2, 3, 5]),
  ...layerNorm([3, 43, 257]),
  rmsNorm([2, 3, 5]),
  rmsNorm([3, 43, 257]),
  ...elementwise([2, 9]),
  ...elementwise([3, 37, 131]),
  add([2, 3, 5], [2, 3, 5]),
  add([3, 37, 131], [37, 131]),
  ...attention({ B: 2, T: 3, S: 5, H: 4, G: 2, D: 2 }),
  ...attention({ B: 2, T: 69, S: 69, H: 4, G: 1, D: 24 }),
  ...attention({ B: 1, T: 1, S: 33, H: 2, G: 2, D: 16 }),
  ...selfAttention({ B: 2, T: 5, H: 2, G: 2, D: 4 }),
  ...selfAttention({ B: 1, T: 131, H: 3, G: 3, D: 20 }),
  ...rope({ B: 2, T: 3, H: 2, D: 4 }),
  ...rope({ B: 3, T: 70, H: 3, D: 38 }),
  ...losses(6, 4, 7),
  ...losses(1031, 20, 53),
  ...losses(70, 33, 1201),
];

/** What has no gradient. */
export const otherCases: readonly OpsCase[] = [
  globalNorm([[3, 4], [5]]),
  globalNorm([[130, 67], [1], [4099], []]),
  adamwStep([[3, 4]]),
  adamwStep([[130, 67], [1], [4099], [33]]),
  ...stored(1, [5, 64]),
  ...stored(20, [130, 96]),
  ropeAt({ B: 2, T: 3, H: 2, D: 4 }),
  ropeAt({ B: 3, T: 70, H: 3, D: 38 }),
  ...cachedAttention({ B: 2, T: 1, H: 4, G: 2, D: 6 }, 9),
  ...cachedAttention({ B: 2, T: 40, H: 2, G: 2, D: 16 }, 50),
  ...sampleTokens(3, 9),
  ...sampleTokens(40, 1201),
];

function linear(shape: readonly number[], outputs: number): OpsCase[] {
  const inner = shape.at(-1) as number;
  const [x, weight, bias] = [ramp(shape), ramp([inner, outputs], 1), ramp([outputs], 2)];
  return [
    {
      operation: "linear",
      name: `linear (${shape}) to ${outputs}`,
      inputs: [x, weight, bias],
      run: (x, weight, bias) => ops.linear(x as Tensor, weight as Tensor2D, bias as Tensor1D),
    },
    {
      operation: "linear",
      name: `linear (${shape}) to ${outputs} without bias`,
      inputs: [x, weight],
      run: (x, weight) => ops.linear(x as Tensor, weight as Tensor2D),
    },
  ];
}

function embedding(shape: readonly number[], table: readonly [number, number]): OpsCase {
  return {
    operation: "embedding",
    name: `embedding of (${shape}) in (${table})`,
    inputs: [ramp(table)],
    run: (weight) => ops.embedding(ids(shape, table[0]), weight as Tensor2D),
  };
}

function layerNorm(shape: readonly number[]): OpsCase[] {
  const width = shape.at(-1) as number;
  const [x, scale, shift] = [ramp(shape), ramp([width], 1), ramp([width], 2)];
  return [
    {
      operation: "layerNorm",
      name: `layerNorm of (${shape})`,
      inputs: [x, scale, shift],
      run: (x, scale, shift) => ops.layerNorm(x as Tensor, scale as Tensor1D, shift as Tensor1D),
    },
    {
      operation: "layerNorm",
      name: `layerNorm of (${shape}) without shift`,
      inputs: [x, scale],
      run: (x, scale) => ops.layerNorm(x as Tensor, scale as Tensor1D, undefined, 1e-3),
    },
  ];
}

function rmsNorm(shape: readonly number[]): OpsCase {
  return {
    operation: "rmsNorm",
    name: `rmsNorm of (${shape})`,
    inputs: [ramp(shape), ramp([shape.at(-1) as number], 1)],
    run: (x, scale) => ops.rmsNorm(x as Tensor, scale as Tensor1D),
  };
}

function elementwise(shape: readonly number[]): OpsCase[] {
  // Wide enough for the tails of the functions.
  const x = { shape, values: ramp(shape).values.map((value) => 6 * value) };
  const of = (operation: OpsCase["operation"], label: string, run: (x: Tensor) => Tensor): OpsCase => {
    return { operation, name: `${label} of (${shape})`, inputs: [x], run: (x) => run(x as Tensor) };
  };
  return [
    of("gelu", "gelu", (x) => ops.gelu(x)),
    of("gelu", "gelu, tanh,", (x) => ops.gelu(x, "tanh")),
    of("silu", "silu", (x) => ops.silu(x)),
    of("dropout", "dropout", (x) => ops.dropout(x, drop)),
    {
      operation: "swiglu",
      name: `swiglu of (${shape})`,
      inputs: [x, ramp(shape, 1)],
      run: (gate, up) => ops.swiglu(gate as Tensor, up as Tensor),
    },
  ];
}

function add(shape: readonly number[], other: readonly number[]): OpsCase {
  return {
    operation: "add",
    name: `add of (${shape}) and (${other})`,
    inputs: [ramp(shape), ramp(other, 1)],
    run: (a, b) => ops.add(a as Tensor, b as Tensor),
  };
}

interface Sizes {
  readonly B: number;
  readonly T: number;
  readonly H: number;
  readonly G: number;
  readonly D: number;
}

function attention({ B, T, S, H, G, D }: Sizes & { readonly S: number }): OpsCase[] {
  const inputs = [ramp([B, T, H * D]), ramp([B, S, G * D], 1), ramp([B, S, G * D], 2)];
  const window = Math.ceil(S / 3);
  return [{ causal: true }, { causal: false }, { causal: true, dropout: drop }, { causal: true, window }].map(
    (options) => ({
      operation: "attention",
      name: `attention ${JSON.stringify({ B, T, S, H, G, D, ...options })}`,
      inputs,
      run: (q, k, v) =>
        ops.attention(q as Tensor3D, k as Tensor3D, v as Tensor3D, { numHeads: H, numGroups: G, ...options }),
    }),
  );
}

function selfAttention({ B, T, H, G, D }: Sizes): OpsCase[] {
  const window = Math.ceil(T / 3);
  return [{ causal: true }, { causal: false, dropout: drop }, { causal: true, window }].map((options) => ({
    operation: "selfAttention",
    name: `selfAttention ${JSON.stringify({ B, T, H, G, D, ...options })}`,
    inputs: [ramp([B, T, (H + 2 * G) * D])],
    run: (qkv) => ops.selfAttention(qkv as Tensor3D, { numHeads: H, numGroups: G, ...options }),
  }));
}

function rope({ B, T, H, D }: Omit<Sizes, "G">): OpsCase[] {
  return [{}, { interleaved: true, start: 1000 }].map((options) => ({
    operation: "rope",
    name: `rope ${JSON.stringify({ B, T, H, D, ...options })}`,
    inputs: [ramp([B, T, H * D])],
    run: (x) => ops.rope(x as Tensor3D, { numHeads: H, ...options }),
  }));
}

function stored(rows: number, [outputs, inputs]: readonly [number, number]): OpsCase[] {
  const matrix = (unpacked: Tensor, format: ops.StorageFormat): ops.StoredMatrix => {
    const numbers = unpacked.dataSync() as Float32Array;
    const words = { F32: singles, BF16: brains }[format as "F32" | "BF16"](numbers);
    return { format, shape: [outputs, inputs], words: tensor1d(words, "int32"), unpack: () => numbers };
  };
  // Numbers that lose nothing in 16 bits.
  const weight = ramp([outputs, inputs], 1);
  const rounded = { ...weight, values: weight.values.map((x) => Math.round(64 * x) / 64) };
  return (["F32", "BF16"] as const).flatMap((format) => [
    {
      operation: "storedLinear" as const,
      name: `storedLinear ${format} of ${rows} rows`,
      inputs: [ramp([rows, inputs]), rounded, ramp([outputs], 2)],
      run: (x, w, b) => ops.storedLinear(x as Tensor2D, matrix(w, format), b as Tensor1D),
    },
    {
      operation: "storedEmbedding" as const,
      name: `storedEmbedding ${format} of ${rows} rows`,
      inputs: [rounded],
      run: (w) => ops.storedEmbedding(ids([rows], outputs), matrix(w, format)),
    },
  ]);
}

const singles = (numbers: Float32Array): Int32Array => new Int32Array(Float32Array.from(numbers).buffer);

/** The upper halves of the bits, two in a word. */
const brains = (numbers: Float32Array): Int32Array => {
  const bits = new Uint32Array(Float32Array.from(numbers).buffer);
  return new Int32Array(
    Uint16Array.from({ length: 2 * Math.ceil(bits.length / 2) }, (_, i) => (bits[i] ?? 0) >>> 16).buffer,
  );
};

/** Positions that follow each other, from another one on in each sequence. */
const positions = (B: number, T: number): Tensor2D =>
  tensorOf({
    shape: [B, T],
    values: Array.from({ length: B * T }, (_, i) => 3 * Math.floor(i / T) + (i % T)),
    dtype: "int32",
  }) as Tensor2D;

function ropeAt({ B, T, H, D }: Omit<Sizes, "G">): OpsCase {
  return {
    operation: "rope",
    name: `rope at positions ${JSON.stringify({ B, T, H, D })}`,
    inputs: [ramp([B, T, H * D])],
    run: (x) => ops.rope(x as Tensor3D, { numHeads: H, positions: positions(B, T) }),
  };
}

function cachedAttention({ B, T, H, G, D }: Sizes, S: number): OpsCase[] {
  return [{}, { window: 3 }, { biased: true }, { window: 3, biased: true, scale: 1 }].map(({ biased, ...options }) => ({
    operation: "cachedAttention",
    name: `cachedAttention ${JSON.stringify({ B, T, H, G, D, S, biased, ...options })}`,
    inputs: [
      [B, T, H * D],
      [B, T, G * D],
      [B, T, G * D],
      [B, S, G * D],
      [S, H],
    ].map((shape, i) => ramp(shape, i)),
    run: (q, k, v, past, table) => {
      const cache = { keys: keep(past.clone()), values: keep(past.mul(2)) } as ops.KeyValues;
      const heads = { numHeads: H, numGroups: G, ...options, ...(biased && { distanceBias: table as Tensor2D }) };
      const y = ops.cachedAttention(q as Tensor3D, k as Tensor3D, v as Tensor3D, cache, positions(B, T), heads);
      const all = [y, cache.keys, cache.values].map((tensor) => tensor.flatten());
      cache.keys.dispose();
      cache.values.dispose();
      return all.reduce((joined, next) => joined.concat(next));
    },
  }));
}

function sampleTokens(rows: number, vocabSize: number): OpsCase[] {
  const { values } = ramp([rows, vocabSize]);
  const damaged = values.map((value, i) => (i % (2 * vocabSize) === 5 ? [Number.NaN, Infinity, 0][i % 3] : 4 * value));
  const uniforms = { shape: [rows], values: Array.from({ length: rows }, (_, row) => row / rows) };
  return [{}, { temperature: 0 }, { temperature: 2, topK: 5 }, { topK: 8, topP: 0.6 }, { minP: 0.3, topP: 0.9 }].map(
    (options) => ({
      operation: "sampleTokens",
      name: `sampleTokens of (${rows}, ${vocabSize}) ${JSON.stringify(options)}`,
      inputs: [{ shape: [rows, vocabSize], values: damaged as number[] }, uniforms],
      run: (logits, uniforms) => ops.sampleTokens(logits as Tensor2D, uniforms as Tensor1D, options),
    }),
  );
}

function losses(rows: number, width: number, vocabSize: number): OpsCase[] {
  return [
    {
      operation: "crossEntropy",
      name: `crossEntropy of (${rows}, ${vocabSize})`,
      inputs: [ramp([rows, vocabSize])],
      run: (logits) => ops.crossEntropy(logits as Tensor2D, targets(rows, vocabSize)),
    },
    {
      operation: "linearCrossEntropy",
      name: `linearCrossEntropy of (${rows}, ${width}) and (${vocabSize}, ${width})`,
      inputs: [ramp([rows, width]), ramp([vocabSize, width], 1)],
      run: (hidden, weight) => ops.linearCrossEntropy(hidden as Tensor2D, weight as Tensor2D, targets(rows, vocabSize)),
    },
  ];
}

function globalNorm(shapes: readonly number[][]): OpsCase {
  return {
    operation: "globalNorm",
    name: `globalNorm of ${JSON.stringify(shapes)}`,
    inputs: shapes.map((shape, i) => ramp(shape, i)),
    run: (...tensors) => ops.globalNorm(tensors),
  };
}

function adamwStep(shapes: readonly number[][]): OpsCase {
  return {
    operation: "adamwStep",
    name: `adamwStep of ${JSON.stringify(shapes)}`,
    inputs: [],
    run: () => {
      const variables = (phase: number) => shapes.map((shape, i) => variable(tensorOf(ramp(shape, phase + i)).abs()));
      const [parameters, firstMoments, secondMoments] = [variables(0), variables(1), variables(2)];
      const weightDecays = shapes.map((_, i) => (i % 2 === 0 ? 0.1 : 0));
      const rates = { learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecays, step: 3 };
      const gradients = shapes.map((shape, i) => tensorOf(ramp(shape, 3 + i)));
      const gradientScale = tensorOf({ shape: [], values: [0.5] }) as Scalar;
      ops.adamwStep({ parameters, firstMoments, secondMoments, gradients, gradientScale, ...rates });
      const all = [...parameters, ...firstMoments, ...secondMoments];
      const result = all.map((tensor) => tensor.flatten()).reduce((joined, next) => joined.concat(next));
      for (const tensor of all) tensor.dispose();
      return result;
    },
  };
}
