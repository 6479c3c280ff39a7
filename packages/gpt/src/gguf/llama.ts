import { assembleDecoder, type Decoder } from "../decoder/decoder.ts";
import { type ResolvedDecoderConfig, resolveDecoderConfig } from "../decoder/decoder-config.ts";
import { decoderShapes } from "../decoder/decoder-shapes.ts";
import { UnsupportedModelError } from "../errors.ts";
import { resolved } from "../families/family.ts";
import { float32, type GgufArchitecture, type GgufStoredTensor, ggufTensors, uint32 } from "./architecture.ts";
import type { GgufFields } from "./fields.ts";
import { FACTORS, readRope, ropeFactors, writeRope } from "./rope.ts";
import { readSize, writeSize } from "./size-fields.ts";

/** Llama and Mistral: neighbouring rows of queries and keys turn together there. */
export const llama: GgufArchitecture<ResolvedDecoderConfig, Decoder> = {
  name: "llama",

  async readConfig(fields, entries, read) {
    return readLlamaLike(fields, entries, read, {
      bias: entries.has("blk.0.attn_output.bias"),
      queryKeyValueBias: entries.has("blk.0.attn_q.bias"),
      feedForwardBias: entries.has("blk.0.ffn_up.bias"),
    });
  },

  writeFields: writeLlamaLike,
  tensors: (config) =>
    ggufTensors(decoderShapes(config)).map((tensor): GgufStoredTensor => {
      const turns = /\.attention\.(query|key)\.(weight|bias)$/.test(tensor.path);
      return turns ? { ...tensor, headWidth: config.headWidth } : tensor;
    }),
  derived: derivedTensors,
  isIgnored,
  assemble: assembleDecoder,
};

/** Qwen2 and 2.5: biases of queries, keys and values, rows as in Hugging Face's files, and no factors of frequencies. */
export const qwen2: GgufArchitecture<ResolvedDecoderConfig, Decoder> = {
  name: "qwen2",
  readConfig: (fields, entries, read) => readLlamaLike(fields, entries, read, { queryKeyValueBias: true }),
  writeFields(config) {
    const type = config.ropeScaling?.type;
    if (type === "llama3" || type === "factors") {
      throw new UnsupportedModelError("saveGguf", "ropeScaling.type of a Qwen2", type, [undefined, "linear", "yarn"]);
    }
    return writeLlamaLike(config);
  },
  tensors: (config) => ggufTensors(decoderShapes(config)),
  derived: () => [],
  isIgnored,
  assemble: assembleDecoder,
};

type ReadConfig = GgufArchitecture<ResolvedDecoderConfig, Decoder>["readConfig"];

async function readLlamaLike(
  fields: GgufFields,
  entries: Parameters<ReadConfig>[1],
  read: Parameters<ReadConfig>[2],
  more: object,
): Promise<ResolvedDecoderConfig> {
  const size = readSize(fields, entries);
  const headWidth = fields.number("attention.key_length", size.width / size.numHeads);
  requireEqual(fields, "attention.value_length", headWidth);
  requireEqual(fields, "rope.dimension_count", headWidth);
  requireEqual(fields, "expert_count", 0);
  const factors = entries.has(FACTORS) ? await read(FACTORS) : undefined;
  const tokens = { beginOfText: fields.token("bos"), endOfText: fields.endOfText() };
  const config = {
    family: fields.architecture,
    ...size,
    numKeyValueHeads: fields.number("attention.head_count_kv", size.numHeads),
    headWidth,
    normEpsilon: fields.required("attention.layer_norm_rms_epsilon"),
    tieEmbeddings: !entries.has("output.weight"),
    ...readRope(fields, headWidth, factors),
    ...tokens,
    ...more,
  };
  return resolved(resolveDecoderConfig, config, fields.file);
}

function requireEqual(fields: GgufFields, name: string, expected: number): void {
  const value = fields.number(name, expected);
  if (value !== expected) throw new UnsupportedModelError(fields.file, fields.key(name), value, [expected]);
}

/** Within a sliding window all tokens see all before them: llama.cpp knows none here, and gets a context of that length. */
function writeLlamaLike(config: ResolvedDecoderConfig): ReturnType<typeof llama.writeFields> {
  const { contextLength, slidingWindow = contextLength } = config;
  return [
    ...writeSize({ ...config, contextLength: Math.min(contextLength, slidingWindow) }),
    ["attention.head_count_kv", uint32(config.numKeyValueHeads)],
    ["attention.key_length", uint32(config.headWidth)],
    ["attention.value_length", uint32(config.headWidth)],
    ["attention.layer_norm_rms_epsilon", float32(config.normEpsilon)],
    ["rope.dimension_count", uint32(config.headWidth)],
    ...writeRope(config),
  ];
}

function derivedTensors(config: ResolvedDecoderConfig): ReturnType<typeof llama.derived> {
  const data = ropeFactors(config);
  return data ? [{ name: FACTORS, data }] : [];
}

/** What follows from the configuration, and tables of angles of older files. */
function isIgnored(name: string): boolean {
  return name === FACTORS || /^blk\.\d+\.attn_rot_embd\.weight$/.test(name);
}
