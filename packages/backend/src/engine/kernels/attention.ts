import type { TensorInfo } from "@tensorflow/tfjs";
import { KernelInputError } from "../../errors.ts";
import { expects } from "./expects.ts";
import type { EngineKernel, KernelCall } from "./kernel.ts";
import { newGradients, wantedOf } from "./wanted.ts";

type Inputs<Name extends string> = Record<Name, TensorInfo>;

function attention(call: KernelCall): TensorInfo[] {
  const { query, key, value } = call.inputs as Inputs<"query" | "key" | "value">;
  const sizes = separate(call);
  const { y, logSumExp } = outputs(call, sizes);
  call.backend.run("attention", ...words(sizes), query, key, value, y, logSumExp);
  return logSumExp ? [y, logSumExp] : [y];
}

function attentionGradient(call: KernelCall): TensorInfo[] {
  const { dy, query, key, value, y, logSumExp } = call.inputs as Inputs<Saved | "query" | "key" | "value">;
  const sizes = separate(call);
  const gradients = newGradients(call, { query, key, value });
  const saved = [dy, y, logSumExp];
  const wanted = [gradients.query, gradients.key, gradients.value];
  call.backend.run("attention_gradient", ...words(sizes), query, key, value, ...saved, ...wanted);
  return Object.values(gradients);
}

function selfAttention(call: KernelCall): TensorInfo[] {
  const { qkv } = call.inputs as Inputs<"qkv">;
  const sizes = sideBySide(call);
  const { y, logSumExp } = outputs(call, sizes);
  call.backend.run("self_attention", ...words(sizes), qkv, y, logSumExp);
  return logSumExp ? [y, logSumExp] : [y];
}

function selfAttentionGradient(call: KernelCall): TensorInfo[] {
  const { dy, qkv, y, logSumExp } = call.inputs as Inputs<Saved | "qkv">;
  const dqkv = call.backend.output(qkv.shape, "float32");
  const sizes = sideBySide(call);
  call.backend.run("self_attention_gradient", ...words(sizes), qkv, dy, y, logSumExp, dqkv);
  return [dqkv];
}

/** What the backward pass gets besides the inputs. */
type Saved = "dy" | "y" | "logSumExp";

interface Attributes {
  readonly numHeads: number;
  readonly numGroups: number;
  readonly causal: boolean;
  readonly window: number;
  readonly dropoutRate: number;
  readonly dropoutSeed: number;
}

/** H heads in G groups of T queries and S keys, D wide. */
interface Sizes extends Attributes {
  readonly B: number;
  readonly T: number;
  readonly S: number;
  readonly D: number;
}

function separate({ inputs, attributes }: KernelCall): Sizes {
  const { query, key } = inputs as Inputs<"query" | "key">;
  const options = attributes as unknown as Attributes;
  const [B, T, width] = query.shape as [number, number, number];
  return { ...options, B, T, S: key.shape[1] as number, D: Math.floor(width / options.numHeads) };
}

function sideBySide({ inputs, attributes }: KernelCall): Sizes {
  const { qkv } = inputs as Inputs<"qkv">;
  const options = attributes as unknown as Attributes;
  const [B, T, width] = qkv.shape as [number, number, number];
  return { ...options, B, T, S: T, D: Math.floor(width / (options.numHeads + 2 * options.numGroups)) };
}

/** logSumExp (B, H, T) only if there will be a backward pass. */
function outputs(call: KernelCall, { B, T, D, numHeads }: Sizes): { y: TensorInfo; logSumExp?: TensorInfo } {
  const y = call.backend.output([B, T, numHeads * D], "float32");
  if (wantedOf(call.attributes).length === 0) return { y };
  return { y, logSumExp: call.backend.output([B, numHeads, T], "float32") };
}

function words({ B, T, S, D, numHeads, numGroups, causal, window, dropoutRate, dropoutSeed }: Sizes): number[] {
  return [B, numHeads, numGroups, T, S, D, Number(causal), window, dropoutRate, dropoutSeed >>> 0];
}

const inputs = { query: "float32 (B, T, H·D)", key: "float32 (B, S, G·D)", value: "float32 (B, S, G·D)" };
const qkv = { qkv: "float32 (B, T, (H + 2G)·D)" };
const saved = { dy: "float32 (B, T, H·D)", y: "float32 (B, T, H·D)", logSumExp: "float32 (B, H, T)" };

/** Checks the inputs' shapes, and that they are those of so many heads. */
function fits(patterns: Readonly<Record<string, string>>, sizesOf: (call: KernelCall) => Sizes): EngineKernel["check"] {
  const check = expects(patterns);
  return (kernel, call) => {
    check(kernel, call);
    const { T, S, D, numHeads: H, numGroups: G, causal } = sizesOf(call);
    const widths: Record<string, number> = { qkv: (H + 2 * G) * D, key: G * D, value: G * D };
    for (const [name, pattern] of Object.entries(patterns)) {
      const tensor = call.inputs[name] as TensorInfo;
      const right = name === "logSumExp" ? tensor.shape[1] === H : tensor.shape[2] === (widths[name] ?? H * D);
      const enough = name !== "key" || !causal || T <= S;
      if (right && enough && D > 0) continue;
      const expected = enough ? pattern : `${pattern} with S ≥ T`;
      throw new KernelInputError(kernel, name, expected, tensor, new Map(Object.entries({ T, H, G, D })));
    }
  };
}

export const attentionKernels: readonly EngineKernel[] = [
  { name: "TesseraAttention", check: fits(inputs, separate), run: attention },
  { name: "TesseraAttentionGradient", check: fits({ ...inputs, ...saved }, separate), run: attentionGradient },
  { name: "TesseraSelfAttention", check: fits(qkv, sideBySide), run: selfAttention },
  { name: "TesseraSelfAttentionGradient", check: fits({ ...qkv, ...saved }, sideBySide), run: selfAttentionGradient },
];
