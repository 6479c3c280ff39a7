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
import { HubError } from "./errors.ts";
import { matchesAny } from "./patterns.ts";
import { checkNames, isCommit, listFiles, type RepositoryFile, resolveCommit } from "./repository.ts";
import type { Connection } from "./request.ts";
import { type HubOptions, hubSettings } from "./settings.ts";

/** What a model needs here: its configuration, its tokenizer and its weights, of which safetensors alone. */
const MODEL_FILES: readonly string[] = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"];

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
   * Which files, by patterns such as `*Q8_0.gguf`, in which `*` is any text with slashes too. Default: configuration,
   * tokenizer and safetensors (`*.json`, `*.safetensors`, `*.txt`, `*.model`, `*.jinja`).
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
 * @throws HubError, WriteError; what `signal` was aborted with
 */
export async function downloadFromHub(repository: string, options: DownloadOptions = {}): Promise<string> {
  const { revision = "main", files: patterns = MODEL_FILES, signal, onProgress } = options;
  checkNames(repository, revision);
  const settings = await hubSettings(options);
  const folder = repositoryFolder(settings.cacheFolder, repository);
  const cached = await cachedSnapshot(folder, revision, patterns);
  if (settings.offline) return cached ?? notCached(repository, revision, settings.cacheFolder);
  const connection: Connection = { ...settings, attempts: ATTEMPTS, signal };
  const commit = await currentCommit(connection, repository, revision, cached !== undefined);
  if (commit === undefined) return cached as string;
  const source: Source = { connection, repository, commit, folder };
  await asWriteError(folder, async () => {
    await fetchAll(source, await wantedFiles(source, patterns), onProgress);
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
  revision: string,
  patterns: readonly string[],
): Promise<string | undefined> {
  const commit = await readRef(folder, revision);
  const isThere = commit !== undefined && (await hasSnapshot(folder, commit, patterns));
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

/** The files that the patterns match. A commit's list never changes, so that it is asked for once. */
async function wantedFiles(
  { connection, repository, commit, folder }: Source,
  patterns: readonly string[],
): Promise<RepositoryFile[]> {
  let files = await readTree(folder, commit);
  if (files === undefined) {
    files = await listFiles(connection, repository, commit);
    await writeTree(folder, commit, files);
  }
  const wanted = files.filter(({ path }) => matchesAny(path, patterns));
  if (wanted.length > 0) return wanted;
  const names = files.map(({ path }) => path);
  const shown = names.length > 20 ? [...names.slice(0, 20), "…"] : names;
  const none = `None of the ${names.length} files of ${repository} matches ${patterns.join(", ")}`;
  throw new HubError("not-found", `${none}. They are: ${shown.join(", ")}.`);
}

/** Fetches some files side by side; where one fails, the others stop too, and what they have got is kept. */
async function fetchAll(
  source: Source,
  files: readonly RepositoryFile[],
  onProgress: DownloadOptions["onProgress"],
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
