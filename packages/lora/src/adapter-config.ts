import { AdapterFileError, UnsupportedAdapterError } from "./errors.ts";
import type { LoraShape } from "./lora-linear.ts";

export interface AdapterConfigOptions {
  /** Names of the adapted modules in the other library's model, or endings of them. */
  readonly targetModules: readonly string[];
  /** The model that the adapter belongs to: a name on the Hugging Face hub, or a folder. Default: not said. */
  readonly baseModel?: string;
  /** Whether the weights of the adapted modules are stored (in, out), as GPT-2's are. */
  readonly fanInFanOut: boolean;
}

type Json = Readonly<Record<string, unknown>>;

/** PEFT's `adapter_config.json`. */
export function toAdapterConfig(lora: LoraShape, options: AdapterConfigOptions): Json {
  return {
    base_model_name_or_path: options.baseModel ?? null,
    bias: "none",
    fan_in_fan_out: options.fanInFanOut,
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: lora.alpha,
    lora_dropout: lora.dropout,
    modules_to_save: null,
    peft_type: "LORA",
    r: lora.rank,
    target_modules: options.targetModules,
    task_type: "CAUSAL_LM",
    use_dora: false,
    use_rslora: lora.rankStabilized,
  };
}

/** Fields that change what an adapter computes, with the values that mean nothing special. */
const PLAIN: readonly (readonly [field: string, ...plain: string[]])[] = [
  ["peft_type", '"LORA"'],
  ["bias", '"none"'],
  ["use_dora", "false"],
  ["lora_bias", "false"],
  ["modules_to_save", "null", "[]"],
  ["rank_pattern", "{}", "null"],
  ["alpha_pattern", "{}", "null"],
  ["layer_replication", "null"],
  ["trainable_token_indices", "null"],
  ["target_parameters", "null", "[]"],
  ["alora_invocation_tokens", "null"],
  ["use_qalora", "false"],
  ["use_bdlora", "false", "null"],
  ["arrow_config", "null"],
  ["kasa_config", "null"],
  ["monteclora_config", "null"],
  ["velora_config", "null"],
  // The other ways to start change the base model's weights too.
  ["init_lora_weights", "true", "false", '"gaussian"', '"eva"', '"orthogonal"', "null"],
];

/**
 * Reads an `adapter_config.json`.
 * @throws AdapterFileError when it is no JSON object, or a number is missing or out of range.
 * @throws UnsupportedAdapterError when it is no plain LoRA.
 */
export function fromAdapterConfig(text: string, path: string): LoraShape {
  const config = parseObject(text, path);
  for (const [field, ...plain] of PLAIN) {
    const value = config[field];
    if (value === undefined && field !== "peft_type") continue;
    if (!plain.includes(JSON.stringify(value)))
      throw new UnsupportedAdapterError(path, field, value ?? null, plain.join(" or "));
  }
  const { r: rank, lora_alpha: alpha, lora_dropout: dropout = 0, use_rslora: rankStabilized = false } = config;
  const fail = (problem: string): never => {
    throw new AdapterFileError(path, problem);
  };
  if (typeof rank !== "number" || !Number.isInteger(rank) || rank < 1)
    return fail(`r is ${shown(rank)}; expected a whole number of at least 1`);
  if (typeof alpha !== "number" || !Number.isFinite(alpha))
    return fail(`lora_alpha is ${shown(alpha)}; expected a number`);
  if (typeof dropout !== "number" || !(dropout >= 0 && dropout < 1))
    return fail(`lora_dropout is ${shown(dropout)}; expected a rate in [0, 1)`);
  return { rank, alpha, dropout, rankStabilized: rankStabilized === true };
}

function parseObject(text: string, path: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AdapterFileError(path, `not JSON (${(cause as Error).message})`, { cause });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  throw new AdapterFileError(path, "not a JSON object");
}

const shown = (value: unknown): string => JSON.stringify(value) ?? "missing";
