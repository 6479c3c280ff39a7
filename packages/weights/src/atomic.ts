import { type FileHandle, lstat, mkdir, open, readdir, realpath, rename, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { CallersError, callersError, isSystemError } from "./callers-error.ts";
import { WriteError } from "./errors.ts";
import { withTemporary } from "./temporary.ts";

/** One system call moves at most 2³¹ − 1 bytes. */
const BYTES_AT_A_TIME = 1 << 30;

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full; free some space or choose another folder",
  EDQUOT: "the disk quota is used up; free some space or choose another folder",
  EROFS: "the file system is read-only; choose another folder",
  ENOENT: "the system makes no files and folders there; choose another folder",
  EACCES: "permission is denied; choose a folder that you may write to",
  EPERM: "the system does not permit it; choose a folder that you may write to",
  EISDIR: "it is a folder; choose the name of a file",
  ENOTDIR: "it, or a part of its path, is a file; choose another folder",
  EEXIST: "it, or a part of its path, is a file; choose another folder",
  ENAMETOOLONG: "the name is too long; choose a shorter one",
};

/**
 * Writes a file so that `path` holds the old bytes or the new ones and never a part: a temporary sibling is written,
 * synced and renamed. Missing parent folders are made.
 * @throws WriteError; an error of the iterable passes unchanged, but for a full or read-only disk
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  await asWriteError(path, async () => {
    const target = await settle(path);
    await withTemporary(target, async (fresh) => {
      await writeSynced(fresh, callersChunks(chunksOf(data), fresh));
      await rename(fresh, target);
      await sync(dirname(target));
    });
  });
}

/**
 * Makes a folder so that `folder` appears whole or not at all: `fill` writes into a temporary sibling, every file and
 * folder in it is synced, then it is renamed. Missing parent folders are made; on an error the temporary is removed.
 *
 * An existing folder is replaced by two renames, old aside and new in place, because systems offer no portable swap. A
 * process killed exactly between them leaves both folders whole under temporary names: `removeLeftovers(parent)` puts
 * the old one back, and removes what was killed at any other moment.
 * @throws WriteError; an error of `fill` passes unchanged, but for a full or read-only disk and what the system says of
 * a file inside the temporary folder
 */
export async function writeFolderAtomic(folder: string, fill: (temporary: string) => Promise<void>): Promise<void> {
  await asWriteError(folder, async () => {
    const target = await settle(folder);
    const replaces = await isFolder(target);
    await withTemporary(target, async (fresh, aside) => {
      await mkdir(fresh);
      await callersFill(fill, fresh);
      await syncTree(fresh);
      if (replaces) await replaceFolder(target, fresh, aside);
      else await rename(fresh, target);
      await sync(dirname(target));
    });
  });
}

/**
 * Makes a folder and its missing parents; one that is there already is left as it is.
 * @throws WriteError
 */
export async function makeFolder(folder: string): Promise<void> {
  await asWriteError(folder, async () => {
    await makeFolders(resolve(folder));
    if (!(await stat(folder)).isDirectory()) throw Object.assign(new Error(`${folder} is a file`), { code: "ENOTDIR" });
  });
}

async function callersFill(fill: (temporary: string) => Promise<void>, temporary: string): Promise<void> {
  try {
    await fill(temporary);
  } catch (error) {
    throw callersError(error, temporary);
  }
}

async function* callersChunks(chunks: Chunks, temporary: string): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (error) {
    throw callersError(error, temporary);
  }
}

async function replaceFolder(target: string, fresh: string, aside: string): Promise<void> {
  await rename(target, aside);
  try {
    await rename(fresh, target);
  } catch (error) {
    await rename(aside, target);
    throw error;
  }
  await sync(dirname(target));
  await rename(aside, fresh); // to be removed with the temporary: what is called old is always whole
}

/** The absolute path behind symbolic links, its parent folder made: siblings of it lie on the same file system. */
async function settle(path: string): Promise<string> {
  await makeFolders(dirname(resolve(path)));
  return realpath(path).catch(() => resolve(path));
}

/** Not mkdir's own `recursive`, which never ends where a folder exists but takes no children, such as /proc. */
async function makeFolders(path: string): Promise<void> {
  if (await lstat(path).catch(() => undefined)) return;
  await makeFolders(dirname(path));
  await mkdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error; // somebody else was faster
  });
}

async function isFolder(path: string): Promise<boolean> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats === undefined || stats.isDirectory()) return stats !== undefined;
  throw Object.assign(new Error(`${path} is a file`), { code: "ENOTDIR" });
}

type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

async function writeSynced(path: string, chunks: Chunks): Promise<void> {
  const file = await open(path, "wx");
  try {
    for await (const chunk of chunks) await writeAll(file, chunk);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  let done = 0;
  while (done < chunk.length) {
    const { bytesWritten } = await file.write(chunk, done, Math.min(chunk.length - done, BYTES_AT_A_TIME));
    done += bytesWritten;
  }
}

function chunksOf(data: string | Uint8Array | Chunks): Chunks {
  if (typeof data === "string") return [new TextEncoder().encode(data)];
  return data instanceof Uint8Array ? [data] : data;
}

/** Syncs every file and folder, the innermost first. */
async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await syncTree(path);
    else if (entry.isFile()) await sync(path);
  }
  await sync(folder);
}

/** Windows syncs files only when they are open for writing, and folders never. */
async function sync(path: string): Promise<void> {
  const windows = process.platform === "win32";
  if (windows && (await lstat(path)).isDirectory()) return;
  const handle = await open(path, windows ? "r+" : "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Runs `write`; an error of a system call becomes a WriteError that says what to do. */
export async function asWriteError<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof CallersError) throw error.cause;
    if (!isSystemError(error)) throw error;
    const { code, message } = error; // the message names the file, which may be one that `fill` writes
    throw new WriteError(path, code, code in PROBLEMS ? `${PROBLEMS[code]} (${message})` : message, { cause: error });
  }
}
