import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export const COMMIT: string = "c0ffee".padEnd(40, "0");

interface FakeFile {
  readonly bytes: Buffer;
  /** Whether LFS keeps it. */
  readonly lfs: boolean;
}

/** What is done to one request before or in place of the right answer; true: it was answered. */
export type Trick = (request: IncomingMessage, response: ServerResponse) => boolean;

/** A server on localhost that speaks as much of the Hugging Face Hub's language as a download needs. */
export interface FakeHub {
  readonly endpoint: string;
  readonly files: Map<string, FakeFile>;
  /** `GET /path` of every request, with its range. */
  readonly requests: string[];
  /** The authorization headers of every request. */
  readonly tokens: (string | undefined)[];
  /** Tricks for the coming requests of files, one each. */
  readonly fileTricks: Trick[];
  /** Tricks for the coming requests of the interface. */
  readonly apiTricks: Trick[];
  /** The commit that `main` points to. */
  commit: string;
  close(): Promise<void>;
}

const hash = (algorithm: string, ...parts: (string | Buffer)[]): string =>
  parts.reduce((hash, part) => hash.update(part), createHash(algorithm)).digest("hex");

const gitHash = (bytes: Buffer): string => hash("sha1", `blob ${bytes.length}\0`, bytes);

/** The name of a file's blob in the cache. */
export const etagOf = ({ bytes, lfs }: FakeFile): string => (lfs ? hash("sha256", bytes) : gitHash(bytes));

function listed([path, file]: [string, FakeFile]): unknown {
  const { bytes, lfs } = file;
  const size = bytes.length;
  if (!lfs) return { type: "file", path, size, oid: gitHash(bytes) };
  return { type: "file", path, size, oid: hash("sha1", path), lfs: { oid: etagOf(file), size, pointerSize: 130 } };
}

export async function fakeHub(): Promise<FakeHub> {
  const server = createServer((request, response) => answer(hub, request, response));
  const hub: FakeHub = {
    endpoint: "",
    files: new Map(),
    requests: [],
    tokens: [],
    fileTricks: [],
    apiTricks: [],
    commit: COMMIT,
    close: () => closed(server),
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(hub, { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

function answer(hub: FakeHub, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? "", hub.endpoint);
  const isApi = url.pathname.startsWith("/api/");
  hub.requests.push(`${url.pathname}${request.headers.range === undefined ? "" : ` ${request.headers.range}`}`);
  hub.tokens.push(request.headers.authorization);
  if ((isApi ? hub.apiTricks : hub.fileTricks).shift()?.(request, response)) return;
  if (isApi) answerApi(hub, url.pathname, response);
  else answerFile(hub, url.pathname, request, response);
}

function answerApi(hub: FakeHub, path: string, response: ServerResponse): void {
  if (path === "/api/models/owner/name/revision/main") sendJson(response, { id: "owner/name", sha: hub.commit });
  else if (path === `/api/models/owner/name/tree/${hub.commit}`) sendJson(response, [...hub.files].map(listed));
  else sendStatus(404)({} as IncomingMessage, response);
}

function answerFile(hub: FakeHub, path: string, request: IncomingMessage, response: ServerResponse): void {
  const file = hub.files.get(decodeURIComponent(path.replace(`/owner/name/resolve/${hub.commit}/`, "")));
  if (file === undefined) return void sendStatus(404)(request, response);
  response.setHeader("x-repo-commit", hub.commit);
  response.setHeader("etag", `"${etagOf(file)}"`);
  sendFile(file.bytes)(request, response);
}

export const sendJson = (response: ServerResponse, value: unknown): unknown => response.end(JSON.stringify(value));

/** Sends a file as servers do, with ranges. */
export const sendFile =
  (bytes: Buffer): Trick =>
  (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const headers = { "content-length": bytes.length - start };
    if (start === 0) response.writeHead(200, headers);
    else response.writeHead(206, { ...headers, "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` });
    response.end(bytes.subarray(start));
    return true;
  };

export const sendStatus =
  (status: number, headers: Record<string, string> = {}): Trick =>
  (_, response) => {
    response.writeHead(status, headers).end("no");
    return true;
  };

/** Sends bytes under a content-length of `announced`, then cuts the connection. */
export const cutAfter =
  (bytes: Buffer, announced: number, headers: Record<string, string> = {}): Trick =>
  (_, response) => {
    response.writeHead("content-range" in headers ? 206 : 200, { ...headers, "content-length": announced });
    response.write(bytes, () => setTimeout(() => response.destroy(), 20));
    return true;
  };
