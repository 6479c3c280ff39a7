import { HubError } from "./errors.ts";
import { type Connection, getJson } from "./request.ts";

/** A file of a model's repository at one commit. */
export interface RepositoryFile {
  /** Its place in the repository, with `/`. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** git's hash of the file, or of the pointer to it where LFS keeps it. */
  readonly blobId: string;
  /** The file's own hash where LFS keeps it. */
  readonly sha256?: string;
  /** Hugging Face's name for it in its own storage; kept for Python's client. */
  readonly xetHash?: string;
}

/** What the cache calls the file's bytes: the ETag under which Hugging Face serves them. */
export const etagOf = ({ blobId, sha256 }: RepositoryFile): string => sha256 ?? blobId;

/** Pages of a list of files, of a thousand files each: nobody's model has more, and no list may go on for ever. */
const MAX_PAGES = 200;

const COMMIT = /^[0-9a-f]{40}$/;
const SHA256 = /^[0-9a-f]{64}$/;

export const isCommit = (revision: string): boolean => COMMIT.test(revision);

/** `owner/name`, or the `name` of old models alone. @throws HubError */
export function checkNames(repository: string, revision: string): void {
  if (!/^([\w][\w.-]*\/)?[\w][\w.-]*$/.test(repository) || /--|\.\./.test(repository)) {
    throw new HubError("usage", `${JSON.stringify(repository)} is no name of a model: expected "owner/name".`);
  }
  if (isSafePath(revision)) return;
  throw new HubError("usage", `${JSON.stringify(revision)} is no branch, tag or commit.`);
}

/** The commit that a branch or tag points to now. @throws HubError */
export async function resolveCommit(connection: Connection, repository: string, revision: string): Promise<string> {
  const url = `${connection.endpoint}/api/models/${repository}/revision/${encodeURIComponent(revision)}`;
  const { value } = await getJson(connection, url, `${repository} at ${revision}`);
  const sha = (value as { readonly sha?: unknown } | null)?.sha;
  if (typeof sha === "string" && isCommit(sha)) return sha;
  throw new HubError("response", `${url} names no commit: is ${connection.endpoint} a hub?`);
}

/** Every file of a commit; the server gives them in pages. @throws HubError */
export async function listFiles(connection: Connection, repository: string, commit: string): Promise<RepositoryFile[]> {
  const files: RepositoryFile[] = [];
  let url: string | undefined = `${connection.endpoint}/api/models/${repository}/tree/${commit}?recursive=true`;
  for (let page = 0; url !== undefined; page++) {
    if (page === MAX_PAGES) throw new HubError("response", `The list of files of ${repository} does not end.`);
    const { value, headers } = await getJson(connection, url, `the files of ${repository}`);
    if (!Array.isArray(value)) throw new HubError("response", `${url} gives no list of files.`);
    for (const entry of value as Listed[]) if (entry?.type === "file") files.push(parseFile(url, entry));
    url = nextPage(url, headers.get("link"));
  }
  return files;
}

interface Listed {
  readonly type?: unknown;
  readonly path?: unknown;
  readonly size?: unknown;
  readonly oid?: unknown;
  readonly xetHash?: unknown;
  readonly lfs?: { readonly oid?: unknown; readonly size?: unknown } | null;
}

/** Names and hashes become names of files here: none may lead out of the cache. */
function parseFile(url: string, { path, size, oid, lfs, xetHash }: Listed): RepositoryFile {
  const file = {
    path,
    size: lfs?.size ?? size,
    blobId: oid,
    ...(lfs && { sha256: lfs.oid ?? "" }),
    ...(isHash(xetHash) && { xetHash }),
  };
  if (isRepositoryFile(file)) return file;
  throw new HubError("response", `${url} lists a file that cannot be: ${JSON.stringify({ path, size, oid, lfs })}.`);
}

const isHash = (value: unknown): value is string => typeof value === "string" && SHA256.test(value);

/** Whether a list, the hub's or one that lies in the cache, may say this of a file. */
export function isRepositoryFile(file: { readonly [Field in keyof RepositoryFile]?: unknown }): file is RepositoryFile {
  const { path, size, blobId, sha256 } = file;
  const isPlaced = typeof path === "string" && isSafePath(path) && Number.isSafeInteger(size) && (size as number) >= 0;
  return isPlaced && typeof blobId === "string" && COMMIT.test(blobId) && (sha256 === undefined || isHash(sha256));
}

/** Whether a path has no step that leaves its folder, on any system. */
export const isSafePath = (path: string): boolean =>
  path.split("/").every((step) => step !== "" && step !== "." && step !== ".." && !/[\\:\0]/.test(step));

/** Of `<https://…>; rel="next"`. */
function nextPage(url: string, link: string | null): string | undefined {
  const next = /<([^>]*)>;\s*rel="next"/.exec(link ?? "")?.[1];
  if (next === undefined || !URL.canParse(next, url)) return undefined;
  return new URL(next, url).href;
}
