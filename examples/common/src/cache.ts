import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "@tessera-lm/weights/node";
import envPaths from "env-paths";

/** Where downloads are kept between runs; `TESSERA_CACHE` moves it. */
export const cacheFolder = (): string => process.env["TESSERA_CACHE"] ?? envPaths("tessera", { suffix: "" }).cache;

/** A public file, where it comes from and what it must hash to. */
export interface PublicFile {
  readonly name: string;
  readonly url: string;
  readonly sha256: string;
}

/**
 * The path of a public file: from the cache if it is there, else downloaded once and checked by its hash.
 * `undefined` when it can be had neither way, as on a machine without a network.
 */
export async function download(file: PublicFile): Promise<string | undefined> {
  const path = join(cacheFolder(), file.name);
  const kept = await readFile(path).catch(() => undefined);
  if (kept !== undefined && sha256(kept) === file.sha256) return path;
  const bytes = await fetchBytes(file.url);
  if (bytes === undefined || sha256(bytes) !== file.sha256) return undefined;
  await writeFileAtomic(path, bytes);
  return path;
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

async function fetchBytes(url: string): Promise<Uint8Array | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(20_000) });
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
  } catch {
    return undefined; // No network: the caller has something else to fall back on, and says so.
  }
}
