import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder, writeFileAtomic } from "../atomic.ts";
import { ReadError, TensorDataError } from "../errors.ts";
import { failReading } from "../file-source.ts";
import { fileInFolder } from "../folder-file.ts";
import { byteLength, describe, type TensorToWrite } from "../tensor.ts";
import { INDEX_FILE, pickleAmong, SINGLE_FILE } from "../weight-files.ts";
import { openSafetensorsFile, writeSafetensorsFile } from "./file.ts";
import type { TensorFile } from "./safetensors.ts";
import { openShardedSafetensors } from "./sharded.ts";

/** Every name that the weights of a model have as safetensors. */
const WEIGHT_FILE = /^model(-\d{5}-of-\d{5}\.safetensors|\.safetensors|\.safetensors\.index\.json)$/;

export interface SafetensorsFolderOptions {
  /** A shard takes at most this many bytes of tensors, unless one tensor alone is larger. Default: 5 GB, 5·10⁹. */
  readonly maxShardBytes?: number;
  /** Free text in every file; default `{ format: "pt" }`, which transformers asks for. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Opens the weights of a model folder in Hugging Face's layout, in one file or in shards: `model.safetensors`, or else
 * what `model.safetensors.index.json` names. Tensors are read when asked for. Close it when done.
 * @throws ReadError where the folder has neither, or a link out of it (see `fileInFolder`), and as `openSafetensorsFile` and `openShardedSafetensors`
 */
export async function openSafetensorsFolder(folder: string): Promise<TensorFile> {
  const names = await readdir(folder).catch((error: unknown) => failReading(folder, error));
  if (names.includes(SINGLE_FILE)) return openSafetensorsFile(await fileInFolder(folder, SINGLE_FILE));
  if (names.includes(INDEX_FILE)) return openShardedSafetensors(await fileInFolder(folder, INDEX_FILE));
  const pickle = pickleAmong(names);
  if (pickle !== undefined) return openSafetensorsFile(await fileInFolder(folder, pickle)); // whose error says how to convert it
  const holds = names.length > 0 ? `it holds ${names.slice(0, 10).join(", ")}` : "it is empty";
  throw new ReadError(folder, `it has neither ${SINGLE_FILE} nor ${INDEX_FILE}: ${holds}`);
}

/**
 * Writes a model's tensors into a folder as Hugging Face lays them out: `model.safetensors`, or above `maxShardBytes`
 * shards `model-00001-of-00003.safetensors` and so on with `model.safetensors.index.json`, filled in the order given.
 * Each file appears whole or not at all; what older weights lie there is removed last. For a folder that changes as a
 * whole, call it inside `writeFolderAtomic`.
 * @throws WriteError, TensorDataError; errors of a tensor's `read` pass through
 */
export async function writeSafetensorsFolder(
  folder: string,
  tensors: Iterable<readonly [name: string, tensor: TensorToWrite]>,
  { maxShardBytes = 5e9, metadata = { format: "pt" } }: SafetensorsFolderOptions = {},
): Promise<void> {
  await makeFolder(folder);
  const shards = splitIntoShards(tensors, maxShardBytes);
  const names = shards.map((_, i) => shardName(i, shards.length));
  for (const [i, shard] of shards.entries()) await writeSafetensorsFile(join(folder, names[i]), shard, metadata);
  if (shards.length > 1) await writeFileAtomic(join(folder, INDEX_FILE), indexOf(shards, names));
  const current = shards.length > 1 ? [...names, INDEX_FILE] : names;
  for (const file of await readdir(folder)) {
    if (WEIGHT_FILE.test(file) && !current.includes(file)) await rm(join(folder, file));
  }
}

/** As Hugging Face splits: a shard ends where the next tensor would pass the limit; a larger one gets its own. */
function splitIntoShards(
  tensors: Iterable<readonly [name: string, tensor: TensorToWrite]>,
  maxShardBytes: number,
): (readonly [name: string, tensor: TensorToWrite])[][] {
  const shards: (readonly [name: string, tensor: TensorToWrite])[][] = [];
  let current: (readonly [name: string, tensor: TensorToWrite])[] = [];
  const names = new Set<string>();
  let bytes = 0;
  for (const named of tensors) {
    if (names.has(named[0])) throw new TensorDataError(named[0], "the name is already taken");
    names.add(named[0]);
    const size = sizeOf(named);
    if (size > maxShardBytes) {
      shards.push([named]);
      continue;
    }
    if (bytes + size > maxShardBytes) {
      shards.push(current);
      current = [];
      bytes = 0;
    }
    current.push(named);
    bytes += size;
  }
  if (current.length > 0 || shards.length === 0) shards.push(current);
  return shards;
}

function sizeOf([name, tensor]: readonly [name: string, tensor: TensorToWrite]): number {
  const bytes = byteLength(tensor.dtype, tensor.shape);
  if (bytes === undefined) throw new TensorDataError(name, `${describe(tensor)} has no valid size`);
  return bytes;
}

function shardName(index: number, count: number): string {
  const digits = (number: number): string => String(number).padStart(5, "0");
  return count === 1 ? SINGLE_FILE : `model-${digits(index + 1)}-of-${digits(count)}.safetensors`;
}

/** The index as transformers writes it: sorted, with two spaces. */
function indexOf(
  shards: readonly (readonly (readonly [name: string, tensor: TensorToWrite])[])[],
  names: readonly string[],
): string {
  const places = shards.flatMap((shard, i) => shard.map(([tensor]) => [tensor, names[i]] as const));
  const totalSize = shards.flat().reduce((total, named) => total + sizeOf(named), 0);
  const sorted = places.sort(([a], [b]) => (a < b ? -1 : 1));
  const lines = sorted.map(([tensor, shard]) => `    ${JSON.stringify(tensor)}: ${JSON.stringify(shard)}`);
  return `{\n  "metadata": {\n    "total_size": ${totalSize}\n  },\n  "weight_map": {\n${lines.join(",\n")}\n  }\n}\n`;
}
