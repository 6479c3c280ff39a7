import type { Initializer } from "@tessera-lm/layers";
import type { GgufValue, TensorEntry } from "@tessera-lm/weights";
import type { Decoder } from "../decoder/decoder.ts";
import type { Gpt2 } from "../decoder/gpt2.ts";
import { renamed, type StoredTensor, storedTensors } from "../families/family.ts";
import type { GgufFields } from "./fields.ts";

/** A tensor of a GGUF file and the parameter of ours that it is. */
export interface GgufStoredTensor extends StoredTensor {
  /** D, if the rows of each head lie in the order of llama.cpp, see `halvesFirst`. */
  readonly headWidth?: number;
}

/** A tensor that llama.cpp reads and that is no parameter: it follows from the configuration. */
export interface DerivedTensor {
  readonly name: string;
  readonly data: Float32Array;
}

/** One architecture of llama.cpp: how its metadata and its tensors are ours. */
export interface GgufArchitecture<Config, Model extends Gpt2 | Decoder> {
  /** `general.architecture`. */
  readonly name: string;
  /**
   * @param entries the tensors of the file
   * @param read one of them
   * @throws {ModelFileError} for metadata that are missing or of another type
   * @throws {UnsupportedModelError} for a variant that computes something else
   * @throws {ConfigError} for a field that is out of range
   */
  readConfig(
    fields: GgufFields,
    entries: ReadonlyMap<string, TensorEntry>,
    read: (name: string) => Promise<Float32Array>,
  ): Promise<Config>;
  /** The metadata, without the architecture before each name. @throws {UnsupportedModelError} */
  writeFields(config: Config): readonly (readonly [name: string, value: GgufValue])[];
  /** Every tensor that is a parameter. */
  tensors(config: Config): readonly GgufStoredTensor[];
  derived(config: Config): readonly DerivedTensor[];
  /** Tensors of a file that are not read. */
  isIgnored(name: string): boolean;
  assemble(config: Config, initialize: Initializer): Model;
}

export const uint32 = (value: number): GgufValue => ({ type: "uint32", value });
export const float32 = (value: number): GgufValue => ({ type: "float32", value });

const WORDS: Readonly<Record<string, string>> = {
  tokenEmbedding: "token_embd",
  positionEmbedding: "position_embd",
  blocks: "blk",
  attentionNorm: "attn_norm",
  attention: "",
  qkv: "attn_qkv",
  query: "attn_q",
  key: "attn_k",
  value: "attn_v",
  output: "attn_output",
  feedForwardNorm: "ffn_norm",
  feedForward: "",
  gate: "ffn_gate",
  up: "ffn_up",
  down: "ffn_down",
  finalNorm: "output_norm",
  head: "output",
  scale: "weight",
  shift: "bias",
};

/** The name in llama.cpp: `blocks.0.attention.query.weight` → `blk.0.attn_q.weight`. */
const ggufName = (path: string): string => renamed(path, WORDS);

/** Parameters by path as tensors of llama.cpp, whose matrices are all (out, in). */
export const ggufTensors = (shapes: ReadonlyMap<string, readonly number[]>): StoredTensor[] =>
  storedTensors(shapes, ggufName);
