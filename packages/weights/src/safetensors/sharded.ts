import { access, realpath } from "node:fs/promises";
import { dirname } from "node:path";
import { MissingTensorError, ShardIndexError } from "../errors.ts";
import { fileInFolder } from "../folder-file.ts";
import { openSafetensorsFile } from "./file.ts";
import type { TensorFile } from "./safetensors.ts";
import { readShardIndex, type WeightMap } from "./shard-index.ts";

/**
 * Opens tensors that lie in several safetensors files, by the index beside them, as one: the headers are read and
 * checked, tensors are read when asked for. The order of `entries` is the index's. Where the index is a link, the shards
 * may lie beside what it leads to.
 * @throws ShardIndexError that lists all that is wrong: shards outside of the folder, missing or damaged, tensors that
 * a shard does not hold; ReadError
 */
export async function openShardedSafetensors(indexPath: string): Promise<TensorFile> {
  const weightMap = await readShardIndex(indexPath);
  const names = new Set(weightMap.values());
  const problems: string[] = [];
  const shards = await openShards(await folderOfShards(indexPath, names), names, problems);
  const close = async (): Promise<void> => {
    for (const shard of shards.values()) await shard.close();
  };
  for (const [tensor, name] of weightMap) {
    const shard = shards.get(name);
    if (shard?.entries.has(tensor) === false) problems.push(`${name} does not hold ${JSON.stringify(tensor)}`);
  }
  if (problems.length === 0) return joined(indexPath, weightMap, shards, close);
  await close();
  throw new ShardIndexError(indexPath, problems);
}

function joined(
  indexPath: string,
  weightMap: WeightMap,
  shards: ReadonlyMap<string, TensorFile>,
  close: () => Promise<void>,
): TensorFile {
  const shardOf = (tensor: string): TensorFile | undefined => shards.get(weightMap.get(tensor) ?? "");
  const entries = [...weightMap.keys()].map((tensor) => [tensor, shardOf(tensor)?.entries.get(tensor)] as const);
  const shardWith = (tensor: string): TensorFile => {
    const shard = shardOf(tensor);
    if (shard === undefined) throw new MissingTensorError(indexPath, tensor, weightMap.keys());
    return shard;
  };
  return {
    entries: new Map(entries.flatMap(([tensor, entry]) => (entry === undefined ? [] : [[tensor, entry] as const]))),
    metadata: [...shards.values()][0]?.metadata ?? new Map(),
    read: async (tensor) => shardWith(tensor).read(tensor),
    readRows: async (tensor, start, end) => shardWith(tensor).readRows(tensor, start, end),
    close,
  };
}

async function folderOfShards(indexPath: string, names: ReadonlySet<string>): Promise<string> {
  const [beside, target] = [dirname(indexPath), dirname(await realpath(indexPath))];
  return (await holdsAll(beside, names)) || !(await holdsAll(target, names)) ? beside : target;
}

async function holdsAll(folder: string, names: ReadonlySet<string>): Promise<boolean> {
  try {
    for (const name of names) await access(await fileInFolder(folder, name));
    return true;
  } catch {
    return false; // what is wrong is found out, and said, when they are opened
  }
}

/** The shards that can be opened; what is wrong with the others goes to `problems`. */
async function openShards(
  folder: string,
  names: ReadonlySet<string>,
  problems: string[],
): Promise<Map<string, TensorFile>> {
  const shards = new Map<string, TensorFile>();
  for (const name of names) {
    try {
      shards.set(name, await openSafetensorsFile(await fileInFolder(folder, name)));
    } catch (error) {
      if (!(error as { isTesseraError?: boolean }).isTesseraError) throw error;
      problems.push((error as Error).message.replace(/\.$/, ""));
    }
  }
  return shards;
}
