import { ShardIndexError } from "../errors.ts";
import { readText } from "../file-source.ts";
import { repeatedKey } from "./json-keys.ts";

/** Which shard holds each tensor, by the names of both. */
export type WeightMap = ReadonlyMap<string, string>;

/** An index of a million tensors takes some 100 MB. */
const MAX_INDEX_BYTES = 100_000_000;

/** Reads `model.safetensors.index.json`. @throws ReadError, ShardIndexError */
export async function readShardIndex(path: string): Promise<WeightMap> {
  const text = await readText(path, MAX_INDEX_BYTES);
  const weightMap = parseJson(path, text)?.weight_map;
  if (typeof weightMap !== "object" || weightMap === null || Array.isArray(weightMap)) {
    throw new ShardIndexError(path, ["it must be a JSON object with a weight_map, which is an object"]);
  }
  const repeated = repeatedKey(text);
  if (repeated !== undefined) throw new ShardIndexError(path, [`it names ${JSON.stringify(repeated)} twice`]);
  const entries = Object.entries(weightMap as Readonly<Record<string, unknown>>);
  const wrong = entries.filter(([, shard]) => typeof shard !== "string");
  if (wrong.length === 0) return new Map(entries as [string, string][]);
  throw new ShardIndexError(
    path,
    wrong.map(([tensor, shard]) => `the shard of ${JSON.stringify(tensor)} must be text, not ${JSON.stringify(shard)}`),
  );
}

function parseJson(path: string, text: string): { readonly weight_map?: unknown } | null {
  try {
    return JSON.parse(text) as { readonly weight_map?: unknown } | null;
  } catch (error) {
    throw new ShardIndexError(path, [`it is not valid JSON (${(error as Error).message})`]);
  }
}
