import { createRotary, type RopeScaling, type YarnScaling } from "@tessera-lm/layers";
import type { GgufValue } from "@tessera-lm/weights";
import type { ResolvedDecoderConfig } from "../decoder/decoder-config.ts";
import { UnsupportedModelError } from "../errors.ts";
import { float32, uint32 } from "./architecture.ts";
import type { GgufFields } from "./fields.ts";

/** What llama.cpp divides the frequency of each pair by: how it knows the scaling of Llama 3. */
export const FACTORS = "rope_freqs.weight";

/**
 * θ and scaling, as llama.cpp takes them: a scaling without a type is linear, an older name of its factor counts too, and
 * the factors of a file come on top of a linear one. YaRN's turns are read, although llama.cpp passes over them.
 * @throws {UnsupportedModelError} for another scaling than linear, YaRN's and the factors of a file
 */
export function readRope(
  fields: GgufFields,
  headWidth: number,
  factors: Float32Array | undefined,
): { readonly ropeTheta: number; readonly ropeScaling?: RopeScaling } {
  const ropeTheta = fields.number("rope.freq_base", 10_000);
  const type = fields.string("rope.scaling.type") ?? "linear";
  if (!SCALINGS.includes(type)) throw unsupported(fields, "rope.scaling.type", type, SCALINGS);
  const attention = fields.number("rope.scaling.attn_factor", 1);
  if (attention !== 1) throw unsupported(fields, "rope.scaling.attn_factor", attention, [1]);
  const given = fields.number("rope.scaling.factor", fields.number("rope.scale_linear", 1));
  const factor = type === "none" ? 1 : given || 1; // 0 is for none
  if (factors) return { ropeTheta, ropeScaling: readFactors(fields, { headWidth, ropeTheta, factors, type, factor }) };
  if (type === "yarn") return { ropeTheta, ropeScaling: readYarn(fields, factor) };
  return factor === 1 ? { ropeTheta } : { ropeTheta, ropeScaling: { type: "linear", factor } };
}

const SCALINGS: readonly string[] = ["none", "linear", "yarn"];

const unsupported = (fields: GgufFields, name: string, value: unknown, known: readonly unknown[]): Error =>
  new UnsupportedModelError(fields.file, fields.key(name), value, known);

function readYarn(fields: GgufFields, factor: number): RopeScaling {
  const betaFast = fields.number("rope.scaling.yarn_beta_fast", undefined);
  const betaSlow = fields.number("rope.scaling.yarn_beta_slow", undefined);
  const originalContextLength = fields.number(
    "rope.scaling.original_context_length",
    fields.required("context_length"),
  );
  const betas = { ...(betaFast !== undefined && { betaFast }), ...(betaSlow !== undefined && { betaSlow }) };
  return { type: "yarn", factor, originalContextLength, ...betas };
}

type Fields = readonly (readonly [name: string, value: GgufValue])[];

/**
 * llama.cpp takes YaRN's turns from no file of these architectures: it has the usual ones.
 * @throws {UnsupportedModelError} for YaRN with an attention factor or turns of its own
 */
export function writeRope({ ropeTheta, ropeScaling: scaling }: ResolvedDecoderConfig): Fields {
  const theta = ["rope.freq_base", float32(ropeTheta)] as const;
  if (scaling === undefined || scaling.type === "llama3" || scaling.type === "factors") return [theta];
  const type = ["rope.scaling.type", { type: "string", value: scaling.type }] as const;
  const fields = [theta, type, ["rope.scaling.factor", float32(scaling.factor)] as const];
  if (scaling.type === "linear") return fields;
  requireUsual(scaling, { attentionFactor: undefined, betaFast: 32, betaSlow: 1 });
  return [...fields, ["rope.scaling.original_context_length", uint32(scaling.originalContextLength)]];
}

type Usual = Pick<YarnScaling, "attentionFactor" | "betaFast" | "betaSlow">;

function requireUsual(scaling: YarnScaling, usual: Usual): void {
  for (const field of Object.keys(usual) as (keyof Usual)[]) {
    const value = scaling[field];
    if (value === undefined || value === usual[field]) continue;
    throw new UnsupportedModelError("saveGguf", `ropeScaling.${field}`, value, [usual[field]]);
  }
}

/** What Llama 3's scaling divides each frequency by, or the factors that there are; undefined for another scaling. */
export function ropeFactors(
  config: Pick<ResolvedDecoderConfig, "headWidth" | "ropeTheta" | "ropeScaling">,
): Float32Array | undefined {
  const { headWidth, ropeTheta: theta, ropeScaling: scaling } = config;
  if (scaling?.type === "factors") return Float32Array.from(scaling.factors);
  if (scaling?.type !== "llama3") return undefined;
  const { frequencies } = createRotary({ headWidth, theta });
  const scaled = createRotary({ headWidth, theta, scaling }).frequencies;
  return Float32Array.from(frequencies, (frequency, pair) => frequency / scaled[pair]);
}

interface Factors {
  readonly headWidth: number;
  readonly ropeTheta: number;
  readonly factors: Float32Array;
  readonly type: string;
  readonly factor: number;
}

/** The factors of a file, times that of a linear scaling: those of Llama 3 under its name, others as they are. */
function readFactors(fields: GgufFields, { headWidth, ropeTheta, factors, type, factor }: Factors): RopeScaling {
  if (type === "yarn") throw unsupported(fields, "rope.scaling.type", `yarn with ${FACTORS}`, ["none", "linear"]);
  const all = Array.from(factors, (each) => each * factor);
  return llama3Scaling(headWidth, ropeTheta, all) ?? { type: "factors", factors: all };
}

/**
 * The scaling of Llama 3 that divides by these factors. A file does not name its numbers: the factor is the largest one,
 * the others are those of all of Llama's models, and the original context the first power of two that gives the rest.
 */
function llama3Scaling(headWidth: number, ropeTheta: number, factors: readonly number[]): RopeScaling | undefined {
  const factor = Math.max(...factors);
  const usual = { type: "llama3", factor, lowFrequencyFactor: 1, highFrequencyFactor: 4 } as const;
  for (const originalContextLength of [8192, ...Array.from({ length: 20 }, (_, i) => 2 ** (i + 1))]) {
    const ropeScaling = { ...usual, originalContextLength };
    const expected = ropeFactors({ headWidth, ropeTheta, ropeScaling }) as Float32Array;
    if (expected.length !== factors.length) return undefined;
    if (expected.every((value, i) => Math.abs(value - factors[i]) <= 1e-5 * value)) return ropeScaling;
  }
  return undefined;
}
