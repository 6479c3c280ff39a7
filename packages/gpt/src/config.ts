import type { Activation } from "@tessera-lm/layers";
import { ConfigError } from "./errors.ts";

/** What a GPT-2 is made of (Radford et al. 2019). */
export interface Gpt2Config {
  /** V, how many tokens there are. GPT-2's tokenizer has 50257. */
  readonly vocabSize: number;
  /** The longest sequence, in tokens. GPT-2: 1024. */
  readonly contextLength: number;
  readonly numLayers: number;
  /** Attention heads of a layer; divides `width`. */
  readonly numHeads: number;
  /** C, features of a token. */
  readonly width: number;
  /** Rate of the four kinds of dropout: embeddings, attention probabilities, and both outputs of a block. Default 0. */
  readonly dropout?: number;
  /** Whether linear layers and norms have biases: true in GPT-2 (default), false in nanoGPT's own models. */
  readonly bias?: boolean;
  /** Default `gelu-tanh`, as in OpenAI's GPT-2; nanoGPT takes `gelu`. */
  readonly activation?: Activation;
  /** Added to the variance in norms. Default 1e-5. */
  readonly layerNormEpsilon?: number;
  /** The token that separates texts, written to model folders as `bos_token_id` and `eos_token_id`. GPT-2: 50256. */
  readonly endOfText?: number;
}

/** A configuration with the defaults filled in. */
export type ResolvedGpt2Config = Required<Omit<Gpt2Config, "endOfText">> & Pick<Gpt2Config, "endOfText">;

/** Fills in the defaults and checks every field. @throws {ConfigError} naming the field, its value and what it may be */
export function resolveConfig(config: Gpt2Config): ResolvedGpt2Config {
  const { dropout = 0, bias = true, activation = "gelu-tanh", layerNormEpsilon = 1e-5 } = config;
  const { vocabSize, contextLength, numLayers, numHeads, width, endOfText } = config;
  checkCounts({ vocabSize, contextLength, numLayers, numHeads, width });
  check(width % numHeads === 0, "width", width, `a multiple of numHeads, which is ${numHeads}`);
  check(dropout >= 0 && dropout < 1, "dropout", dropout, "at least 0 and below 1");
  check(activation === "gelu-tanh" || activation === "gelu", "activation", activation, '"gelu-tanh" or "gelu"');
  check(layerNormEpsilon > 0 && layerNormEpsilon < Infinity, "layerNormEpsilon", layerNormEpsilon, "a positive number");
  const isToken = endOfText === undefined || (Number.isInteger(endOfText) && endOfText >= 0 && endOfText < vocabSize);
  check(isToken, "endOfText", endOfText, `a token below vocabSize, which is ${vocabSize}`);
  const counts = { vocabSize, contextLength, numLayers, numHeads, width };
  return { ...counts, dropout, bias, activation, layerNormEpsilon, ...(endOfText !== undefined && { endOfText }) };
}

function checkCounts(counts: Readonly<Record<string, number>>): void {
  for (const [field, value] of Object.entries(counts)) {
    check(Number.isSafeInteger(value) && value > 0, field, value, "a positive whole number");
  }
}

function check(holds: boolean, field: string, value: unknown, expected: string): void {
  if (!holds) throw new ConfigError(`Gpt2Config: ${field} is ${JSON.stringify(value)}; it must be ${expected}.`);
}
