import { createRotary, type RopeScaling } from "@tessera-lm/layers";
import type { GgufValue } from "@tessera-lm/weights";
import type { ResolvedDecoderConfig } from "../decoder-config.ts";
import { UnsupportedModelError } from "../errors.ts";
import { float32, uint32 } from "./architecture.ts";
import type { GgufFields } from "./fields.ts";

/** What llama.cpp divides the frequency of each pair by: how it knows the scaling of Llama 3. */
export const FACTORS = "rope_freqs.weight";

/** θ and scaling. @throws {UnsupportedModelError} for another scaling than linear, YaRN's and Llama 3's */
export function readRope(
  fields: GgufFields,
  headWidth: number,
  factors: Float32Array | undefined,
): { readonly ropeTheta: number; readonly ropeScaling?: RopeScaling } {
  const ropeTheta = fields.number("rope.freq_base", 10_000);
  if (factors) return { ropeTheta, ropeScaling: llama3Scaling(fields, headWidth, ropeTheta, factors) };
  const type = fields.string("rope.scaling.type") ?? "none";
  if (type === "none") return { ropeTheta };
  const factor = fields.required("rope.scaling.factor");
  if (type === "linear") return { ropeTheta, ropeScaling: { type, factor } };
  if (type !== "yarn") {
    throw new UnsupportedModelError(fields.file, fields.key("rope.scaling.type"), type, ["none", "linear", "yarn"]);
  }
  const attention = fields.number("rope.scaling.attn_factor", 1);
  if (attention !== 1) {
    throw new UnsupportedModelError(fields.file, fields.key("rope.scaling.attn_factor"), attention, [1]);
  }
  const betaFast = fields.number("rope.scaling.yarn_beta_fast", undefined);
  const betaSlow = fields.number("rope.scaling.yarn_beta_slow", undefined);
  const originalContextLength = fields.required("rope.scaling.original_context_length");
  const betas = { ...(betaFast !== undefined && { betaFast }), ...(betaSlow !== undefined && { betaSlow }) };
  return { ropeTheta, ropeScaling: { type, factor, originalContextLength, ...betas } };
}

type Fields = readonly (readonly [name: string, value: GgufValue])[];

/** @throws {UnsupportedModelError} for YaRN with an attention factor of its own */
export function writeRope({ ropeTheta, ropeScaling: scaling }: ResolvedDecoderConfig): Fields {
  const theta = ["rope.freq_base", float32(ropeTheta)] as const;
  if (scaling === undefined || scaling.type === "llama3") return [theta];
  const type = ["rope.scaling.type", { type: "string", value: scaling.type }] as const;
  const fields = [theta, type, ["rope.scaling.factor", float32(scaling.factor)] as const];
  if (scaling.type === "linear") return fields;
  const { betaFast, betaSlow, attentionFactor } = scaling;
  if (attentionFactor !== undefined) {
    throw new UnsupportedModelError("saveGguf", "ropeScaling.attentionFactor", attentionFactor, [undefined]);
  }
  return [
    ...fields,
    ["rope.scaling.original_context_length", uint32(scaling.originalContextLength)],
    ...(betaFast === undefined ? [] : [["rope.scaling.yarn_beta_fast", float32(betaFast)] as const]),
    ...(betaSlow === undefined ? [] : [["rope.scaling.yarn_beta_slow", float32(betaSlow)] as const]),
  ];
}

/** What Llama 3's scaling divides each frequency by; undefined for another one. */
export function ropeFactors(
  config: Pick<ResolvedDecoderConfig, "headWidth" | "ropeTheta" | "ropeScaling">,
): Float32Array | undefined {
  const { headWidth, ropeTheta: theta, ropeScaling: scaling } = config;
  if (scaling?.type !== "llama3") return undefined;
  const { frequencies } = createRotary({ headWidth, theta });
  const scaled = createRotary({ headWidth, theta, scaling }).frequencies;
  return Float32Array.from(frequencies, (frequency, pair) => frequency / scaled[pair]);
}

/**
 * The scaling of Llama 3 that divides by these factors. A file does not name its numbers: the factor is the largest one,
 * the others are those of all of Llama's models, and the original context the first power of two that gives the rest.
 */
function llama3Scaling(fields: GgufFields, headWidth: number, ropeTheta: number, factors: Float32Array): RopeScaling {
  const usual = {
    type: "llama3",
    factor: Math.max(...factors),
    lowFrequencyFactor: 1,
    highFrequencyFactor: 4,
  } as const;
  for (const originalContextLength of [8192, ...Array.from({ length: 20 }, (_, i) => 2 ** (i + 1))]) {
    const ropeScaling = { ...usual, originalContextLength };
    const expected = ropeFactors({ headWidth, ropeTheta, ropeScaling }) as Float32Array;
    if (expected.length !== factors.length) break;
    if (expected.every((value, i) => Math.abs(value - factors[i]) <= 1e-5 * value)) return ropeScaling;
  }
  throw new UnsupportedModelError(fields.file, FACTORS, Array.from(factors), ["the factors of Llama 3"]);
}
