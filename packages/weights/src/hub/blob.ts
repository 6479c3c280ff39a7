import { createHash, type Hash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, readdir, rename, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { makeFolder } from "../atomic.ts";
import { isAlive } from "../temporary.ts";
import { sizeOf } from "./cache.ts";
import { HubError } from "./errors.ts";
import { etagOf, type RepositoryFile } from "./repository.ts";
import { type Answer, type Connection, getWithRetries, transient } from "./request.ts";

/** While this machine's process PID writes a part it is called `ETAG.PID-RANDOM@HOST.incomplete`, … */
const IN_USE = /^\.(\d+)-[0-9a-f]{8}@(.*)\.incomplete$/;

/** … and after that `ETAG.tessera.incomplete`. */
const LEFT = ".tessera.incomplete";

/** What older Python clients call theirs, whether they are at it or not. */
const THEIRS = ".incomplete";

/** A part that may be somebody else's work is theirs until it has been left alone for this long. */
const ABANDONED_MILLISECONDS = 3_600_000;

/**
 * Fetches a file's bytes into `folder`, under its ETag, which appears whole and checked or not at all. What came before
 * an interruption, of whatever kind, stays as a part that the next attempt goes on from.
 * @param onBytes told how many bytes are there
 * @throws HubError, a system error
 */
export async function fetchBlob(
  connection: Connection,
  url: string,
  file: RepositoryFile,
  folder: string,
  onBytes: (loaded: number) => void,
): Promise<void> {
  const target = join(folder, etagOf(file));
  if ((await sizeOf(target)) === file.size) return onBytes(file.size);
  await makeFolder(folder);
  const part = await claimPart(folder, etagOf(file));
  try {
    await fill(connection, url, file, part, onBytes);
    await rename(part, target);
  } catch (error) {
    await giveUpPart(part, join(folder, etagOf(file) + LEFT), error);
    throw error;
  }
}

/** A name that no other download uses, with the bytes of an earlier one that nobody writes to any more. */
async function claimPart(folder: string, etag: string): Promise<string> {
  const part = join(folder, `${etag}.${process.pid}-${randomBytes(4).toString("hex")}@${hostname()}.incomplete`);
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${etag}.`) || !(await isFree(join(folder, name), name.slice(etag.length)))) continue;
    const claimed = await rename(join(folder, name), part).then(
      () => true,
      () => false, // somebody else was faster
    );
    if (claimed) break;
  }
  return part;
}

async function isFree(path: string, suffix: string): Promise<boolean> {
  const [, pid, host] = IN_USE.exec(suffix) ?? [];
  if (suffix === LEFT) return true;
  if (host === hostname()) return !isAlive(Number(pid));
  if (host === undefined && suffix !== THEIRS) return false;
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
  return Date.now() - mtimeMs > ABANDONED_MILLISECONDS;
}

/** Leaves what came for the next attempt, unless the bytes are wrong. */
async function giveUpPart(part: string, abandoned: string, error: unknown): Promise<void> {
  const isWrong = error instanceof HubError && error.reason === "checksum";
  await (isWrong ? rm(part, { force: true }) : rename(part, abandoned)).catch(() => {});
}

async function fill(
  connection: Connection,
  url: string,
  file: RepositoryFile,
  path: string,
  onBytes: (loaded: number) => void,
): Promise<void> {
  const handle = await open(path, "a+");
  try {
    const part = new Part(handle, file);
    await part.resume(path);
    do {
      onBytes(part.loaded);
      if (part.loaded < file.size) await fetchRest(connection, url, part, onBytes);
    } while (!(await part.isRight()));
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function fetchRest(
  connection: Connection,
  url: string,
  part: Part,
  onBytes: (loaded: number) => void,
): Promise<void> {
  const range = (): Record<string, string> => (part.loaded > 0 ? { range: `bytes=${part.loaded}-` } : {});
  let furthest = part.loaded; // a server that begins anew every time, and is cut every time, makes no progress
  await getWithRetries(connection, url, part.file.path, range, async (answer, progressed) => {
    await part.adapt(answer);
    for await (const chunk of answer.chunks) {
      await part.append(chunk);
      if (part.loaded > furthest) progressed();
      furthest = Math.max(furthest, part.loaded);
      onBytes(part.loaded);
    }
    const { loaded, file } = part;
    if (loaded < file.size) throw transient(`it ended after ${loaded} of ${file.size} bytes`);
  });
}

/** The beginning of a file, and the hash of it. */
class Part {
  readonly file: RepositoryFile;
  loaded = 0;
  readonly #handle: FileHandle;
  #hash: Hash;
  /** Whether bytes of an earlier download are in it, which may be to blame for a wrong checksum. */
  #resumed = false;

  constructor(handle: FileHandle, file: RepositoryFile) {
    this.file = file;
    this.#handle = handle;
    this.#hash = newHash(file);
  }

  /** Takes what is in the file already. */
  async resume(path: string): Promise<void> {
    const { size } = await this.#handle.stat();
    if (size > this.file.size) return this.restart();
    for await (const chunk of createReadStream(path)) this.#hash.update(chunk as Buffer);
    this.loaded = size;
    this.#resumed = size > 0;
  }

  /** Begins anew where the answer does not go on where this ends. */
  async adapt({ status, headers }: Answer): Promise<void> {
    const start = /^bytes (\d+)-/.exec(headers.get("content-range") ?? "")?.[1];
    if (status === 206 && Number(start) === this.loaded) return;
    await this.restart();
    if (status === 206 || status === 416) throw transient("it gave other bytes than were asked for");
  }

  async restart(): Promise<void> {
    await this.#handle.truncate(0);
    this.#hash = newHash(this.file);
    this.loaded = 0;
    this.#resumed = false;
  }

  async append(chunk: Uint8Array): Promise<void> {
    const { path, size } = this.file;
    if (this.loaded + chunk.length > size) {
      throw new HubError("checksum", `${path} should have ${size} bytes, but more came. Try again later.`);
    }
    await this.#handle.appendFile(chunk);
    this.#hash.update(chunk);
    this.loaded += chunk.length;
  }

  /** Whether the whole file has its hash; if not, and the beginning is old, begins anew. @throws HubError */
  async isRight(): Promise<boolean> {
    const { path } = this.file;
    const found = this.#hash.digest("hex");
    const expected = etagOf(this.file);
    if (found === expected) return true;
    if (!this.#resumed) {
      throw new HubError("checksum", `${path} came with the hash ${found}, not ${expected}. Try again later.`);
    }
    await this.restart();
    return false;
  }
}

/** SHA-256 for what LFS keeps, and git's own for the rest. */
function newHash({ size, sha256 }: RepositoryFile): Hash {
  return sha256 === undefined ? createHash("sha1").update(`blob ${size}\0`) : createHash("sha256");
}
