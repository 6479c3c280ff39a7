import { type ResolvedGpt2Config, resolveConfig } from "../config.ts";
import { assembleGpt2, type Gpt2 } from "../decoder/gpt2.ts";
import { UnsupportedModelError } from "../errors.ts";
import { resolved } from "../families/family.ts";
import { parameterShapes } from "../parameter-shapes.ts";
import { float32, type GgufArchitecture, ggufTensors } from "./architecture.ts";
import { readSize, writeSize } from "./size-fields.ts";

type ReadConfig = GgufArchitecture<ResolvedGpt2Config, Gpt2>["readConfig"];

/** GPT-2. It always has biases there: those that a bias-free model lacks are zeros. */
export const gpt2: GgufArchitecture<ResolvedGpt2Config, Gpt2> = {
  name: "gpt2",

  async readConfig(fields, entries, read) {
    const endOfText = fields.endOfText();
    const config = {
      ...readSize(fields, entries, { feedForwardWidth: 4 * fields.required("embedding_length") }),
      tieEmbeddings: await isTied(entries, read),
      layerNormEpsilon: fields.number("attention.layer_norm_epsilon", 1e-5),
      ...(endOfText !== undefined && { endOfText }),
    };
    return resolved(resolveConfig, config, fields.file);
  },

  writeFields(config) {
    if (config.activation !== "gelu-tanh") {
      throw new UnsupportedModelError("saveGguf", "activation", config.activation, ["gelu-tanh"]);
    }
    return [...writeSize(config), ["attention.layer_norm_epsilon", float32(config.layerNormEpsilon)]];
  },

  tensors: (config) =>
    ggufTensors(parameterShapes({ ...config, bias: true })).map((tensor) => ({
      ...tensor,
      optional: !config.bias && /\.(bias|shift)$/.test(tensor.path),
    })),
  derived: () => [],
  isIgnored: (name) => name === "output.weight", // a copy of a tied head
  assemble: assembleGpt2,
};

/** Whether there is no head, or one that is a copy of the embedding, as many files have it. */
async function isTied(entries: Parameters<ReadConfig>[1], read: Parameters<ReadConfig>[2]): Promise<boolean> {
  const [table, head] = ["token_embd.weight", "output.weight"].map((name) => entries.get(name));
  if (head === undefined) return true;
  if (table?.dtype !== head.dtype || String(table.shape) !== String(head.shape)) return false;
  const values = await read("token_embd.weight");
  return (await read("output.weight")).every((value, i) => value === values[i]);
}
