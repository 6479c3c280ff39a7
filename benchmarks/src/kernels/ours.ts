/** Our side of the benchmark of kernels: one operation so many times, on command. Argument: {@link KernelSettings}. */

import {
  engine,
  fill,
  matMul,
  type Rank,
  randomNormal,
  type ShapeMap,
  scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tidy,
  zeros,
} from "@tensorflow/tfjs";
import { type BackendName, useBackend } from "@tessera-lm/backend";
import { parameterShapes } from "@tessera-lm/gpt";
import { type Parameter, parameter } from "@tessera-lm/layers";
import {
  adamwStep,
  gelu,
  layerNorm,
  linear,
  linearCrossEntropy,
  selfAttention,
  valueAndGradients,
} from "@tessera-lm/ops";
import { serve } from "../serve.ts";
import type { KernelCase, KernelSettings } from "./cases.ts";

await serve(async () => {
  const { cases, backend } = JSON.parse(process.argv[2] ?? "{}") as KernelSettings;
  const { name } = await useBackend(backend as BackendName | undefined);
  const fence = scalar(0);
  let prepared: { readonly index: number; readonly run: () => void } | undefined;
  return {
    name,
    /** "3:20": the case of index 3, twenty times. */
    async run(work = "") {
      const [index = 0, times = 1] = work.split(":").map(Number);
      if (prepared?.index !== index) {
        // Whatever another case has left, its variables too.
        if (prepared !== undefined) engine().disposeVariables();
        prepared = { index, run: prepare(cases[index] as KernelCase) };
      }
      for (let i = 0; i < times; i++) tidy(prepared.run);
      return (await fence.data())[0] as number; // an engine with a queue has done everything before it
    },
  };
});

/** Makes the operands, and returns the operation. What that returns is freed by its caller's tidy. */
function prepare({ operation, backward, sizes, transposed }: KernelCase): () => void {
  const { m = 0, k = 0, n = 0, B = 1, T = 1, C = 1, H = 1, V = 1 } = sizes;
  const rows = [B * T, C] as const;
  const differentiated = (f: () => Tensor, xs: readonly Tensor[], dy: Tensor) => () =>
    void (backward ? valueAndGradients(f, xs, dy) : f());
  switch (operation) {
    case "product": {
      const a = random<Rank.R2>(transposed === "a" ? [k, m] : [m, k]);
      const b = random<Rank.R2>(transposed === "b" ? [n, k] : [k, n]);
      return () => void matMul(a as Tensor2D, b as Tensor2D, transposed === "a", transposed === "b");
    }
    case "linear": {
      const [x, weight] = [random<Rank.R2>([...rows]), random<Rank.R2>([C, 4 * C])];
      return differentiated(() => linear(x, weight as Tensor2D), [x, weight], random([B * T, 4 * C]));
    }
    case "attention": {
      const qkv = random<Rank.R3>([B, T, 3 * C]);
      const run = () => selfAttention(qkv as Tensor3D, { numHeads: H, causal: true });
      return differentiated(run, [qkv], random([B, T, C]));
    }
    case "layerNorm": {
      const [x, scale] = [random<Rank.R2>([...rows]), random<Rank.R1>([C])];
      return differentiated(() => layerNorm(x, scale as Tensor1D), [x, scale], random([...rows]));
    }
    case "gelu": {
      const x = random([B * T, 4 * C]);
      return differentiated(() => gelu(x, "tanh"), [x], random([B * T, 4 * C]));
    }
    case "head": {
      const [hidden, weight] = [random<Rank.R2>([...rows]), random<Rank.R2>([V, C])];
      const targets = parameter(tidy(() => fill([B * T], 1, "int32") as Tensor1D));
      const loss = () => linearCrossEntropy(hidden as Tensor2D, weight as Tensor2D, targets as Tensor1D);
      return differentiated(loss, [hidden, weight], parameter(scalar(1)));
    }
    case "adamw":
      return adamw(sizes);
  }
}

function adamw({ V = 1, T = 1, L = 1, H = 1, C = 1 }: KernelCase["sizes"]): () => void {
  const config = { vocabSize: V, contextLength: T, numLayers: L, numHeads: H, width: C, bias: false };
  const shapes = [...parameterShapes(config).values()].map((shape) => [...shape]);
  const [parameters, gradients] = [0, 1].map(() => shapes.map((shape) => random(shape))) as [Parameter[], Parameter[]];
  const [firstMoments, secondMoments] = [0, 1].map(() => shapes.map((shape) => parameter(zeros(shape)))) as [
    Parameter[],
    Parameter[],
  ];
  const lists = { parameters, gradients, firstMoments, secondMoments, weightDecays: shapes.map(() => 0.1) };
  return () => adamwStep({ ...lists, learningRate: 1e-3, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, step: 10 });
}

/** Values N(0, 0.1²), kept until the next case. */
function random<R extends Rank>(shape: ShapeMap[R]): Parameter<R> {
  return parameter(randomNormal(shape, 0, 0.1, "float32", 1));
}
