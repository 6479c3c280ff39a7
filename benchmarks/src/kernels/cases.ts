import { availableParallelism } from "node:os";
import { presets } from "../../../examples/shakespeare/src/presets.ts";
import { trainCases } from "../train/cases.ts";

/** One operation with its sizes, as JSON for both contestants. */
export interface KernelCase {
  readonly name: string;
  readonly operation: "product" | "linear" | "attention" | "layerNorm" | "gelu" | "head" | "adamw";
  /** Whether its gradients are computed, too. */
  readonly backward: boolean;
  /** Sizes by name: for a product m, k, n; else those of the model, with B·T rows. */
  readonly sizes: Readonly<Record<string, number>>;
  /** Which operands of a product are given transposed. */
  readonly transposed?: "a" | "b";
  /** Floating-point operations, where products dominate. */
  readonly flops?: number;
}

/** What both contestants are told in their first argument. */
export interface KernelSettings {
  readonly cases: readonly KernelCase[];
  readonly threads: number;
  readonly backend?: string;
}

/** The operations of a training step of each preset that is asked for, in its own sizes. */
export function kernelCases(chosen: readonly string[] = Object.keys(presets)): KernelCase[] {
  const ofPresets = Object.entries(presets).filter(([name]) => chosen.includes(name));
  return [
    product("square product", 1024, 1024, 1024),
    ...ofPresets.flatMap(([name, { batchSize: B, contextLength: T, width: C, numHeads: H, numLayers: L }]) => {
      const V = trainCases[name as keyof typeof presets].vocabSize;
      return casesOf({ B, T, C, H, L, V }).map((one) => ({ ...one, name: `${name} ${one.name}` }));
    }),
  ];
}

export const kernelSettings = (cases: readonly KernelCase[], backend: string | undefined): KernelSettings => ({
  cases,
  threads: availableParallelism(),
  ...(backend !== undefined && { backend }),
});

function casesOf(sizes: Record<"B" | "T" | "C" | "H" | "L" | "V", number>): KernelCase[] {
  const { B, T, C, V } = sizes;
  const N = B * T;
  const linear = 2 * N * C * 4 * C;
  const attention = 2 * B * T * T * C; // of scores and values, only the causal half
  const both = (name: string, operation: KernelCase["operation"], flops?: readonly [number, number]): KernelCase[] =>
    [false, true].map((backward, i) => ({
      name: backward ? `${name}, forward + backward` : name,
      operation,
      backward,
      sizes,
      ...(flops !== undefined && { flops: flops[i] }),
    }));
  return [
    product("product x · W", N, C, 4 * C),
    product("product dy · Wᵀ", N, 4 * C, C, "b"),
    product("product xᵀ · dy", C, N, 4 * C, "a"),
    ...both("linear", "linear", [linear, 3 * linear]),
    ...both("attention", "attention", [attention, 3.5 * attention]),
    ...both("layer norm", "layerNorm"),
    ...both("gelu", "gelu"),
    { name: "head + loss, forward + backward", operation: "head", backward: true, sizes, flops: 6 * N * C * V },
    { name: "adamw", operation: "adamw", backward: false, sizes },
  ];
}

function product(name: string, m: number, k: number, n: number, transposed?: "a" | "b"): KernelCase {
  const flops = 2 * m * k * n;
  return { name, operation: "product", backward: false, sizes: { m, k, n }, flops, ...(transposed && { transposed }) };
}
