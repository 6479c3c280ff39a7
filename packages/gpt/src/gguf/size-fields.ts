import type { GgufValue, TensorEntry } from "@tessera-lm/weights";
import { uint32 } from "./architecture.ts";
import type { GgufFields } from "./fields.ts";

/** The sizes that every architecture has, by their names in a file, in the order in which llama.cpp writes them. */
const SIZES = [
  ["block_count", "numLayers"],
  ["context_length", "contextLength"],
  ["embedding_length", "width"],
  ["feed_forward_length", "feedForwardWidth"],
  ["attention.head_count", "numHeads"],
] as const;

type Size = Readonly<Record<(typeof SIZES)[number][1], number>>;

/**
 * The sizes of a model; the vocabulary is as large as the table of embeddings.
 * @param defaults for sizes that a file need not name
 * @throws {ModelFileError} for one that is missing
 */
export function readSize(
  fields: GgufFields,
  entries: ReadonlyMap<string, TensorEntry>,
  defaults: Partial<Size> = {},
): Size & { readonly vocabSize: number | undefined } {
  const sizes = SIZES.map(([key, field]) => [field, fields.number(key, defaults[field]) ?? fields.required(key)]);
  return { ...(Object.fromEntries(sizes) as Size), vocabSize: entries.get("token_embd.weight")?.shape[0] };
}

export const writeSize = (size: Size): (readonly [name: string, value: GgufValue])[] =>
  SIZES.map(([key, field]) => [key, uint32(size[field])] as const);
