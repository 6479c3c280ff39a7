import type { RopeScaling } from "@tessera-lm/layers";
import { ConfigError, UnsupportedModelError } from "../errors.ts";
import { type Json, requireFields } from "./family.ts";

interface Rope {
  readonly ropeTheta: unknown;
  readonly ropeScaling?: unknown;
}

/**
 * Reads `rope_parameters` of transformers 5, or `rope_theta` and `rope_scaling` of earlier ones.
 * @throws {UnsupportedModelError} for a scaling that depends on the length of the text, or differs between layers
 */
export function readRope(fields: Json, file: string): Rope {
  const parameters = fields.rope_parameters ?? fields.rope_scaling ?? {};
  if (typeof parameters !== "object" || Array.isArray(parameters)) {
    throw new ConfigError(`${file}: rope_scaling is ${JSON.stringify(parameters)}; it must be an object.`);
  }
  const rope = parameters as Json;
  const ropeTheta = rope.rope_theta ?? fields.rope_theta ?? 10_000;
  const share = rope.partial_rotary_factor ?? fields.partial_rotary_factor ?? 1;
  if (share !== 1) throw new UnsupportedModelError(file, "partial_rotary_factor", share, [1]);
  const type = rope.rope_type ?? rope.type ?? "default";
  if (type === "default") return { ropeTheta };
  return { ropeTheta, ropeScaling: readScaling(type, rope, fields, file) };
}

function readScaling(type: unknown, rope: Json, fields: Json, file: string): object {
  const { factor } = rope;
  const originalContextLength =
    fields.original_max_position_embeddings ?? rope.original_max_position_embeddings ?? fields.max_position_embeddings;
  if (type === "linear") return { type, factor };
  if (type === "llama3") {
    const { low_freq_factor: lowFrequencyFactor, high_freq_factor: highFrequencyFactor } = rope;
    return { type, factor, lowFrequencyFactor, highFrequencyFactor, originalContextLength };
  }
  if (type === "longrope") return readFactors(rope, file);
  if (type !== "yarn") {
    throw new UnsupportedModelError(file, "rope_type", type, ["default", "linear", "llama3", "yarn"]);
  }
  if (rope.truncate === false) throw new UnsupportedModelError(file, "truncate", false, [true]);
  const stretch = factor ?? Number(fields.max_position_embeddings) / Number(originalContextLength);
  const attentionFactor = rope.attention_factor ?? attentionOf(rope, Number(stretch));
  const optional = { betaFast: rope.beta_fast, betaSlow: rope.beta_slow, attentionFactor };
  const given = Object.entries(optional).filter(([, value]) => (value ?? null) !== null);
  return { type, factor: stretch, originalContextLength, ...Object.fromEntries(given) };
}

/** YaRN's attention factor in the words of DeepSeek, for whom two numbers make it; undefined without them. */
function attentionOf({ mscale, mscale_all_dim }: Json, factor: number): number | undefined {
  if (!mscale || !mscale_all_dim) return undefined;
  const growth = factor <= 1 ? 0 : 0.1 * Math.log(factor);
  return (growth * Number(mscale) + 1) / (growth * Number(mscale_all_dim) + 1);
}

/** LongRoPE whose factors are the same for short and long texts. */
function readFactors({ short_factor, long_factor, attention_factor }: Json, file: string): object {
  requireFields({ attention_factor, long_factor: String(long_factor) }, file, {
    attention_factor: [1],
    long_factor: [String(short_factor)],
  });
  return { type: "factors", factors: long_factor };
}

function writeFactors(factors: readonly number[]): Json {
  return { rope_type: "longrope", short_factor: factors, long_factor: factors, attention_factor: 1, factor: 1 };
}

/** `rope_theta` and `rope_scaling`, which every transformers reads. */
export function writeRope({ ropeTheta, ropeScaling }: { ropeTheta: number; ropeScaling?: RopeScaling }): Json {
  return { rope_scaling: ropeScaling ? writeScaling(ropeScaling) : null, rope_theta: ropeTheta };
}

function writeScaling(scaling: RopeScaling): Json {
  if (scaling.type === "factors") return writeFactors(scaling.factors);
  const { type: rope_type, factor } = scaling;
  if (scaling.type === "linear") return { rope_type, factor };
  const original_max_position_embeddings = scaling.originalContextLength;
  if (scaling.type === "llama3") {
    const { lowFrequencyFactor: low_freq_factor, highFrequencyFactor: high_freq_factor } = scaling;
    return { rope_type, factor, low_freq_factor, high_freq_factor, original_max_position_embeddings };
  }
  const { betaFast: beta_fast, betaSlow: beta_slow, attentionFactor: attention_factor } = scaling;
  return { rope_type, factor, original_max_position_embeddings, beta_fast, beta_slow, attention_factor };
}
