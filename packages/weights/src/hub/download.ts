import { join } from "node:path";
import { asWriteError } from "../atomic.ts";
import { fetchBlob } from "./blob.ts";
import {
  blobsFolder,
  hasSnapshot,
  linkIntoSnapshot,
  readRef,
  readTree,
  repositoryFolder,
  sizeOf,
  snapshotFolder,
  writeRef,
  writeTree,
} from "./cache.ts";
import { type Choice, listed, matching, modelFiles } from "./choice.ts";
import { HubError } from "./errors.ts";
import { checkNames, isCommit, listFiles, type RepositoryFile, resolveCommit } from "./repository.ts";
import type { Connection } from "./request.ts";
import { type HubOptions, hubSettings } from "./settings.ts";

/** How often in a row a request may fail without a byte of progress. */
const ATTEMPTS = 5;

/** Files that are fetched side by side. */
const AT_A_TIME = 4;

/** How far a download is, in bytes. */
export interface HubProgress {
  /** The file that grew, by its place in the repository. */
  readonly file: string;
  readonly fileLoaded: number;
  readonly fileTotal: number;
  /** Of all files together, with what was there before. */
  readonly loaded: number;
  readonly total: number;
}

export interface DownloadOptions extends HubOptions {
  /** A branch, a tag or a commit. Default: `main`. */
  readonly revision?: string;
  /**
   * Which files, by patterns such as `*Q8_0.gguf`, in which `*` is any text with slashes too. Default: what a model
   * needs here, which is configuration, tokenizer and weights in safetensors, without copies in other formats.
   */
  readonly files?: readonly string[];
  /** Stops the download; what has come is kept for the next one. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: HubProgress) => void;
}

/**
 * Fetches a model from the Hugging Face Hub, or a server like it, into the cache that Hugging Face's clients share, and
 * gives the folder with its files. What the cache holds is not fetched again; an interrupted download goes on where it
 * stopped; every file is checked by its hash before it gets its name. Where the hub cannot be reached, the cached files
 * of the revision are given if they are all there.
 * @param repository `owner/name`
 * @throws HubError, WriteError; what `signal` was aborted with; without `files`, WrongFormatError for a model that has
 * nothing but pickles, and ShardIndexError
 */
export async function downloadFromHub(repository: string, options: DownloadOptions = {}): Promise<string> {
  const { revision = "main", files, signal, onProgress } = options;
  checkNames(repository, revision);
  const choice = files === undefined ? modelFiles : matching(files);
  const settings = await hubSettings(options);
  const folder = repositoryFolder(settings.cacheFolder, repository);
  const inCache = cachedSnapshot(folder, repository, revision, choice);
  if (settings.offline) return (await inCache) ?? notCached(repository, revision, settings.cacheFolder);
  const cached = await inCache.catch(() => undefined); // the hub may have other files by now
  const connection: Connection = { ...settings, attempts: ATTEMPTS, signal };
  const commit = await currentCommit(connection, repository, revision, cached !== undefined);
  if (commit === undefined) return cached as string;
  const source: Source = { connection, repository, commit, folder };
  await asWriteError(folder, async () => {
    await fetchAll(source, await wantedFiles(source, choice), onProgress);
    await writeRef(folder, revision, commit);
  });
  return snapshotFolder(folder, commit);
}

/** One commit of a repository, on the hub and in the cache. */
interface Source {
  readonly connection: Connection;
  readonly repository: string;
  readonly commit: string;
  readonly folder: string;
}

async function cachedSnapshot(
  folder: string,
  repository: string,
  revision: string,
  choice: Choice,
): Promise<string | undefined> {
  const commit = await readRef(folder, revision);
  const isThere = commit !== undefined && (await hasSnapshot(folder, repository, commit, choice));
  return isThere ? snapshotFolder(folder, commit) : undefined;
}

/** The commit that the hub names; undefined where it cannot be reached and the cache will do. */
async function currentCommit(
  connection: Connection,
  repository: string,
  revision: string,
  isCached: boolean,
): Promise<string | undefined> {
  if (isCommit(revision)) return revision;
  try {
    return await resolveCommit({ ...connection, attempts: isCached ? 1 : ATTEMPTS }, repository, revision);
  } catch (error) {
    if (isCached && error instanceof HubError && error.reason === "connection") return undefined;
    throw error;
  }
}

/** The files that are chosen. A commit's list never changes, so that it is asked for once. */
async function wantedFiles(source: Source, choice: Choice): Promise<RepositoryFile[]> {
  const { connection, repository, commit, folder } = source;
  let files = await readTree(folder, commit);
  if (files === undefined) {
    files = await listFiles(connection, repository, commit);
    await writeTree(folder, commit, files);
  }
  const byPath = new Map(files.map((file) => [file.path, file]));
  const find = (path: string): RepositoryFile => byPath.get(path) ?? missing(repository, path);
  const names = [...byPath.keys()];
  const wanted = await choice.choose(repository, names, async (path) => {
    await fetchAll(source, [find(path)]);
    return join(snapshotFolder(folder, commit), path);
  });
  if (wanted.length > 0) return wanted.map(find);
  const none = `None of the ${names.length} files of ${repository} ${choice.what}`;
  throw new HubError("not-found", `${none}. They are: ${listed(names)}.`);
}

function missing(repository: string, path: string): never {
  const problem = `The index of ${repository} names ${JSON.stringify(path)}, and there is no such file`;
  throw new HubError("not-found", `${problem}. The model is incomplete: take another revision, or tell its owner.`);
}

/** Fetches some files side by side; where one fails, the others stop too, and what they have got is kept. */
async function fetchAll(
  source: Source,
  files: readonly RepositoryFile[],
  onProgress?: DownloadOptions["onProgress"],
): Promise<void> {
  const stop = new AbortController();
  const { signal } = source.connection;
  const cancel = (): void => stop.abort(signal?.reason);
  signal?.addEventListener("abort", cancel, { once: true });
  const stoppable = { ...source, connection: { ...source.connection, signal: stop.signal } };
  const report = progressReport(files, onProgress);
  const queue = [...files];
  const work = async (): Promise<void> => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) await fetchFile(stoppable, file, report);
  };
  const stopOthers = (error: unknown): never => {
    queue.length = 0;
    stop.abort(error);
    throw error;
  };
  try {
    signal?.throwIfAborted();
    const workers = Array.from({ length: AT_A_TIME }, () => work().catch(stopOthers));
    await Promise.allSettled(workers);
    await Promise.all(workers);
  } catch (error) {
    throw stop.signal.aborted ? stop.signal.reason : error; // the first failure, not one that it caused
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}

async function fetchFile(
  { connection, repository, commit, folder }: Source,
  file: RepositoryFile,
  report: (file: RepositoryFile, loaded: number) => void,
): Promise<void> {
  if ((await sizeOf(join(snapshotFolder(folder, commit), file.path))) === file.size) return report(file, file.size);
  const path = file.path.split("/").map(encodeURIComponent).join("/");
  const url = `${connection.endpoint}/${repository}/resolve/${commit}/${path}`;
  await fetchBlob(connection, url, file, blobsFolder(folder), (loaded) => report(file, loaded));
  await linkIntoSnapshot(folder, commit, file);
}

function progressReport(
  files: readonly RepositoryFile[],
  onProgress: DownloadOptions["onProgress"] = () => {},
): (file: RepositoryFile, loaded: number) => void {
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const loadedOf = new Map<string, number>();
  let loaded = 0;
  return ({ path, size }, fileLoaded) => {
    loaded += fileLoaded - (loadedOf.get(path) ?? 0);
    loadedOf.set(path, fileLoaded);
    onProgress({ file: path, fileLoaded, fileTotal: size, loaded, total });
  };
}

function notCached(repository: string, revision: string, cacheFolder: string): never {
  const what = `${repository} at ${revision} is not, or not wholly, in the cache ${cacheFolder}`;
  throw new HubError("offline", `${what}, and the network may not be used. Fetch it once without HF_HUB_OFFLINE.`);
}
