import { setTimeout as sleep } from "node:timers/promises";
import { HubError } from "./errors.ts";

const FIRST_DELAY_MILLISECONDS = 500;
const LONGEST_DELAY_MILLISECONDS = 60_000;

const MAX_REDIRECTS = 10;

/** Answers in JSON: a list of files has some hundred bytes for each. */
const MAX_JSON_BYTES = 64_000_000;

/** Where requests go and in whose name. */
export interface Connection {
  /** Such as `https://huggingface.co`; the only place that sees the token. */
  readonly endpoint: string;
  readonly token: string | undefined;
  /** How long a server may be silent. */
  readonly silenceMilliseconds: number;
  /** How often in a row a request may fail without a byte of progress. */
  readonly attempts: number;
  readonly signal: AbortSignal | undefined;
}

/** A failure that may be gone in a moment. */
class Transient extends Error {
  readonly retryAfterMilliseconds: number;

  constructor(message: string, retryAfterMilliseconds = 0, options?: ErrorOptions) {
    super(message, options);
    this.retryAfterMilliseconds = retryAfterMilliseconds;
  }
}

/** A server's answer while its bytes come. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/**
 * Gets `url` and hands the answer to `use`, again with growing pauses while the network or the server fails; a failure
 * after `progressed` was called counts as the first one.
 * @param subject what is asked for, for messages
 * @param headers are made for every attempt
 * @throws HubError; what `signal` was aborted with; errors of `use` pass through, but those of the network
 */
export async function getWithRetries<T>(
  connection: Connection,
  url: string,
  subject: string,
  headers: () => Readonly<Record<string, string>>,
  use: (answer: Answer, progressed: () => void) => Promise<T>,
): Promise<T> {
  let failures = 0;
  for (;;) {
    try {
      return await getOnce(connection, url, subject, headers(), (answer) =>
        use(answer, () => {
          failures = 0;
        }),
      );
    } catch (error) {
      if (!(error instanceof Transient)) throw error;
      failures++;
      if (failures === connection.attempts) throw unreachable(connection, subject, error);
      await pause(failures, error, connection.signal);
    }
  }
}

/** Gets JSON. @throws as `getWithRetries` */
export async function getJson(
  connection: Connection,
  url: string,
  subject: string,
): Promise<{ readonly headers: Headers; readonly value: unknown }> {
  return getWithRetries(
    connection,
    url,
    subject,
    () => ({}),
    async ({ headers, chunks }) => {
      const text = await textOf(chunks, subject);
      try {
        return { headers, value: JSON.parse(text) as unknown };
      } catch (cause) {
        throw new HubError("response", `${url} did not answer with JSON: is ${connection.endpoint} a hub?`, { cause });
      }
    },
  );
}

/** What is worth another attempt, for those who use an answer. */
export const transient = (problem: string): Error => new Transient(problem);

async function textOf(chunks: AsyncIterable<Uint8Array>, subject: string): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    length += chunk.length;
    if (length > MAX_JSON_BYTES) throw new HubError("response", `The answer about ${subject} passes 64 MB.`);
  }
  return Buffer.concat(parts).toString("utf8");
}

async function getOnce<T>(
  connection: Connection,
  url: string,
  subject: string,
  headers: Readonly<Record<string, string>>,
  use: (answer: Answer) => Promise<T>,
): Promise<T> {
  connection.signal?.throwIfAborted();
  const controller = new AbortController();
  const silence = watchSilence(connection.silenceMilliseconds, controller);
  const cancel = (): void => controller.abort(connection.signal?.reason);
  connection.signal?.addEventListener("abort", cancel, { once: true });
  try {
    const response = await followed(connection, url, headers, controller.signal);
    await checkStatus(response, connection, subject);
    return await use({ status: response.status, headers: response.headers, chunks: chunksOf(response, silence) });
  } finally {
    silence.end();
    connection.signal?.removeEventListener("abort", cancel);
    controller.abort(); // whatever was not read
  }
}

/** Follows redirects by hand: the token goes to the endpoint and to no other place that a redirect names. */
async function followed(
  connection: Connection,
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Response> {
  let at = new URL(url);
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const isEndpoint = at.origin === new URL(connection.endpoint).origin;
    const asked = new Headers({ "accept-encoding": "identity", ...headers });
    if (isEndpoint && connection.token !== undefined) asked.set("authorization", `Bearer ${connection.token}`);
    const response = await networkErrors(signal, fetch(at, { headers: asked, redirect: "manual", signal }));
    const location = response.headers.get("location");
    if (response.status < 300 || response.status >= 400 || location === null) return response;
    await response.body?.cancel();
    if (!URL.canParse(location, at.href)) break;
    at = new URL(location, at);
    if (at.protocol !== "https:" && at.protocol !== "http:") break;
  }
  throw new HubError("response", `${url} leads from one address to the next, and to no file.`);
}

async function* chunksOf(response: Response, silence: Silence): AsyncGenerator<Uint8Array, void> {
  const reader = response.body?.getReader();
  for (;;) {
    silence.waiting(true);
    const part = await reader?.read().catch(asTransient);
    silence.waiting(false);
    if (part === undefined || part.done) return;
    yield part.value;
  }
}

interface Silence {
  /** Whether the server's turn begins or ends; while a slow disk writes what came, it is not to blame. */
  waiting(isServersTurn: boolean): void;
  end(): void;
}

/** Aborts when the server lets itself be waited for longer than that. Its turn begins at once. */
function watchSilence(milliseconds: number, controller: AbortController): Silence {
  const giveUp = (): void => controller.abort(new Transient("the server fell silent"));
  let timer = setTimeout(giveUp, milliseconds);
  const end = (): void => clearTimeout(timer);
  const waiting = (isServersTurn: boolean): void => {
    end();
    if (isServersTurn) timer = setTimeout(giveUp, milliseconds);
  };
  return { waiting, end };
}

const networkErrors = <T>(signal: AbortSignal, promise: Promise<T>): Promise<T> =>
  promise.catch((error: unknown) => {
    if (signal.aborted) throw signal.reason;
    return asTransient(error);
  });

/** fetch says "fetch failed" or "terminated", and the reason in its cause. An abort's reason passes unchanged. */
function asTransient(error: unknown): never {
  if (!(error instanceof TypeError)) throw error;
  const cause = error.cause instanceof Error ? error.cause : error;
  throw new Transient(cause.message || (cause as NodeJS.ErrnoException).code || error.message, 0, { cause: error });
}

async function checkStatus(response: Response, connection: Connection, subject: string): Promise<void> {
  const { status, headers } = response;
  if (response.ok || status === 416) return;
  await response.body?.cancel();
  if (status === 408 || status === 429 || status >= 500) {
    throw new Transient(`the server answered ${status}`, 1000 * (Number(headers.get("retry-after")) || 0));
  }
  throw refusal(status, headers.get("x-error-code"), connection, subject);
}

function refusal(status: number, code: string | null, connection: Connection, subject: string): HubError {
  const { endpoint, token } = connection;
  const answered = `${endpoint} answered ${status} to the request for ${subject}`;
  if (status === 404) {
    return new HubError("not-found", `${answered}: there is no such thing. Check the names and the revision.`);
  }
  if (status !== 401 && status !== 403) return new HubError("response", `${answered}. Is that address a hub?`);
  if (code === "GatedRepo") {
    const advice = `accept its terms on its page there, then ${token === undefined ? "set HF_TOKEN to" : "use"} a token`;
    return new HubError("access", `${answered}: it is gated. Log in, ${advice} of that account.`);
  }
  const advice =
    token === undefined
      ? "it does not exist, or is private. Check the name; if it is private, set HF_TOKEN to a token that may read it"
      : "the token may not read it, or it does not exist. Check the name and the token (HF_TOKEN)";
  return new HubError("access", `${answered}: ${advice}.`);
}

function unreachable({ endpoint, attempts }: Connection, subject: string, cause: Error): HubError {
  const message = `Cannot fetch ${subject} from ${endpoint}: ${cause.message} (attempts: ${attempts}).`;
  const advice = "Check the network and try again: what has come so far is kept, and the download goes on from there.";
  return new HubError("connection", `${message} ${advice}`, { cause });
}

async function pause(failures: number, { retryAfterMilliseconds }: Transient, signal?: AbortSignal): Promise<void> {
  const backOff = FIRST_DELAY_MILLISECONDS * 2 ** (failures - 1);
  const delay = Math.min(Math.max(backOff, retryAfterMilliseconds), LONGEST_DELAY_MILLISECONDS);
  await sleep(delay, undefined, { signal }).catch(() => signal?.throwIfAborted());
}
