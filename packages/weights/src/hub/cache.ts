import { copyFile, readdir, readFile, realpath, rename, stat, symlink } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { makeFolder, writeFileAtomic } from "../atomic.ts";
import { ReadError, WriteError } from "../errors.ts";
import { withTemporary } from "../temporary.ts";
import type { Choice } from "./choice.ts";
import { etagOf, isCommit, isRepositoryFile, type RepositoryFile } from "./repository.ts";

/**
 * A repository's folder in the cache, `models--OWNER--NAME`, laid out as Hugging Face's clients share it:
 *
 *     blobs/ETAG                the bytes of a file
 *     snapshots/COMMIT/PATH     a link to its blob, or a copy where the system has no links
 *     refs/REVISION             the commit that a branch or tag pointed to
 *     trees/COMMIT.json         the files of a commit
 */
export const repositoryFolder = (cacheFolder: string, repository: string): string =>
  join(cacheFolder, `models--${repository.replace("/", "--")}`);

export const blobsFolder = (folder: string): string => join(folder, "blobs");

export const snapshotFolder = (folder: string, commit: string): string => join(folder, "snapshots", commit);

/** The commit of a revision when it was last fetched. */
export async function readRef(folder: string, revision: string): Promise<string | undefined> {
  if (isCommit(revision)) return revision;
  const commit = await readFile(join(folder, "refs", revision), "utf8").catch(() => "");
  return isCommit(commit.trim()) ? commit.trim() : undefined;
}

/** Remembers the commit of a revision, where the cache may be written to. */
export async function writeRef(folder: string, revision: string, commit: string): Promise<void> {
  if (revision === commit || (await readRef(folder, revision)) === commit) return;
  await writeFileAtomic(join(folder, "refs", revision), commit).catch(unlessReadOnly);
}

interface TreeEntry {
  readonly size: number;
  readonly blob_id: string;
  readonly lfs_sha256?: string;
  readonly lfs_size?: number;
  readonly xet_hash?: string;
}

const TREE_VERSION = 1;

/** The files of a commit, if they were listed before. */
export async function readTree(folder: string, commit: string): Promise<RepositoryFile[] | undefined> {
  try {
    const tree = JSON.parse(await readFile(join(folder, "trees", `${commit}.json`), "utf8"));
    if (tree.format_version !== TREE_VERSION) return undefined;
    const files = Object.entries(tree.files as Record<string, TreeEntry>).map(([path, entry]) => ({
      path,
      size: entry.lfs_size ?? entry.size,
      blobId: entry.blob_id,
      sha256: entry.lfs_sha256,
      xetHash: entry.xet_hash,
    }));
    return files.every(isRepositoryFile) ? files : undefined; // no name may lead out of the cache
  } catch {
    return undefined; // absent, or another program's idea of it: the hub is asked again
  }
}

/** Remembers the files of a commit, where the cache may be written to. */
export async function writeTree(folder: string, commit: string, files: readonly RepositoryFile[]): Promise<void> {
  const entries = files.map((file): [string, TreeEntry] => [file.path, treeEntry(file)]);
  const tree = { format_version: TREE_VERSION, files: Object.fromEntries(entries) };
  await writeFileAtomic(join(folder, "trees", `${commit}.json`), JSON.stringify(tree, undefined, 1)).catch(
    unlessReadOnly,
  );
}

/** A cache that somebody else fills may be read-only: its files will do, what is remembered about them is a help. */
function unlessReadOnly(error: unknown): void {
  if (!(error instanceof WriteError && ["EACCES", "EPERM", "EROFS"].includes(error.code))) throw error;
}

function treeEntry({ size, blobId, sha256, xetHash }: RepositoryFile): TreeEntry {
  const lfs = sha256 === undefined ? {} : { lfs_sha256: sha256, lfs_size: size };
  return { size, blob_id: blobId, ...lfs, ...(xetHash === undefined ? {} : { xet_hash: xetHash }) };
}

/**
 * Whether a snapshot has every file that is chosen. Where its files were never listed, as older Python clients leave it,
 * those that it has are all that is known, and what is chosen of them must suffice.
 */
export async function hasSnapshot(
  folder: string,
  repository: string,
  commit: string,
  choice: Choice,
): Promise<boolean> {
  const snapshot = snapshotFolder(folder, commit);
  const sizes = new Map((await readTree(folder, commit))?.map(({ path, size }) => [path, size]));
  const paths = sizes.size > 0 ? [...sizes.keys()] : await filesIn(snapshot);
  try {
    const wanted = await choice.choose(repository, paths, async (path) => join(snapshot, path));
    for (const path of wanted) {
      const found = await sizeOf(join(snapshot, path));
      if (found === undefined || found !== (sizes.get(path) ?? found)) return false;
    }
    return sizes.size > 0 ? wanted.length > 0 : choice.suffices(wanted);
  } catch (error) {
    if (error instanceof ReadError) return false; // what names the others is not there
    throw error;
  }
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  const paths = entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  return paths.map((path) => relative(folder, path).split(sep).join("/"));
}

/** Bytes of a file, links followed; undefined where there is none. */
export const sizeOf = (path: string): Promise<number | undefined> =>
  stat(path).then(
    (stats) => (stats.isFile() ? stats.size : undefined),
    () => undefined,
  );

/** Puts a file whose blob is there into a snapshot. @throws a system error */
export async function linkIntoSnapshot(folder: string, commit: string, file: RepositoryFile): Promise<void> {
  const blob = join(blobsFolder(folder), etagOf(file));
  const path = join(snapshotFolder(folder, commit), file.path);
  const present = await realpath(path).catch(() => undefined);
  if (present !== undefined && present === (await realpath(blob))) return;
  await makeFolder(dirname(path));
  await withTemporary(path, async (fresh) => {
    await symlink(relative(dirname(path), blob), fresh).catch(() => copyFile(blob, fresh));
    await rename(fresh, path);
  });
}
