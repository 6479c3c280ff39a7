import { stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { type Borders, findBorders } from "./files/borders.ts";
import { type EncodedPart, type EncodePartOptions, encodePart } from "./files/encode-part.ts";
import { EncodeFileError } from "./files/errors.ts";
import { type FilePart, fileParts } from "./files/file-parts.ts";
import { type EncodeWorker, WorkerPool } from "./files/worker-pool.ts";
import { describeTokenizer } from "./formats/write-tokenizer-json.ts";
import type { EncodeOptions, Tokenizer } from "./tokenizer.ts";

export interface EncodeFileOptions extends Omit<EncodeOptions, "addSpecialTokens"> {
  /**
   * Threads that encode, but no more than there are processors or parts of the file; 0: this one. Default: as many as
   * make it faster, none for a small file.
   */
  readonly workers?: number;
  /** Bytes that are not UTF-8 are an error, else they become U+FFFD. Default false. */
  readonly fatal?: boolean;
  /** Ends the work: the workers are stopped, and the iteration throws the signal's reason. */
  readonly signal?: AbortSignal;
}

const PART_BYTES = 2 ** 20;

/**
 * The ids of a text file, in order and in parts of some hundred thousand. All together they are the ids of its whole
 * text, but neither need fit into memory: a few parts at a time are read, and encoded side by side in worker threads.
 * The file is cut only where its words certainly end, and nowhere if that cannot be known of the tokenizer.
 *
 * @throws EncodeFileError if the file cannot be read, or a part of it not encoded, or `workers` is no number of threads
 * @throws UnsupportedTokenizerError for a tokenizer that cannot be written as `tokenizer.json`, for the workers to read
 */
export async function* encodeFile(
  path: string,
  tokenizer: Tokenizer,
  options: EncodeFileOptions = {},
): AsyncGenerator<Uint32Array, void, undefined> {
  const { signal, workers = 0 } = options;
  signal?.throwIfAborted();
  if (!Number.isSafeInteger(workers) || workers < 0)
    throw new EncodeFileError(path, `workers is ${workers}; expected a whole number from 0`);
  const encoder = encoderOf(tokenizer);
  const parts = fileParts(path, encoder.borders, PART_BYTES);
  const count = await countWorkers(path, options.workers);
  if (count > 0) yield* encodeInWorkers(path, parts, encoder.workers, count, options);
  else {
    for await (const part of parts) {
      signal?.throwIfAborted();
      yield idsOf(path, encodePart(tokenizer, part, partOptions(options)));
    }
  }
}

async function* encodeInWorkers(
  path: string,
  parts: AsyncIterable<FilePart>,
  pool: WorkerPool,
  count: number,
  options: EncodeFileOptions,
): AsyncGenerator<Uint32Array, void, undefined> {
  const { signal } = options;
  const workers = pool.take(count);
  const end = (): Promise<unknown> => Promise.all(workers.map((worker) => worker.end()));
  let isDone = false;
  signal?.addEventListener("abort", end);
  try {
    for await (const encoded of inOrder(path, parts, workers, partOptions(options))) {
      signal?.throwIfAborted();
      yield idsOf(path, encoded);
    }
    isDone = true;
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", end);
    if (isDone) pool.giveBack(workers);
    else await end();
  }
}

/** Gives each part to the worker that has the least to do, two for each at a time. */
async function* inOrder(
  path: string,
  parts: AsyncIterable<FilePart>,
  workers: readonly EncodeWorker[],
  options: EncodePartOptions,
): AsyncGenerator<EncodedPart> {
  const waiting: Promise<EncodedPart>[] = [];
  for await (const part of parts) {
    const worker = workers.reduce((least, other) => (other.load < least.load ? other : least));
    const encoded = worker.encode(part, options).catch((cause: Error) => {
      throw new EncodeFileError(path, `a worker thread failed (${cause.message})`, { cause, offset: part.offset });
    });
    encoded.catch(() => {}); // It is thrown when its turn comes.
    waiting.push(encoded);
    if (waiting.length >= 2 * workers.length) yield waiting.shift() as Promise<EncodedPart>;
  }
  yield* waiting;
}

function idsOf(path: string, encoded: EncodedPart): Uint32Array {
  if ("ids" in encoded) return encoded.ids;
  throw new EncodeFileError(path, encoded.problem, { offset: encoded.offset });
}

function partOptions({
  allowedSpecial = [],
  disallowedSpecial = [],
  fatal = false,
}: EncodeFileOptions): EncodePartOptions {
  return {
    allowedSpecial: allowedSpecial === "all" ? "all" : [...allowedSpecial],
    disallowedSpecial: disallowedSpecial === "all" ? "all" : [...disallowedSpecial],
    fatal,
  };
}

/** A thread reads the vocabulary first, which takes as long as some megabytes of text. */
const BYTES_FOR_A_WORKER = 4 * PART_BYTES;

async function countWorkers(path: string, wanted: number | undefined): Promise<number> {
  const { size } = await stat(path).catch((cause: Error) => {
    throw new EncodeFileError(path, `it cannot be read (${cause.message})`, { cause });
  });
  const most = (bytes: number): number => Math.min(availableParallelism(), Math.ceil(size / bytes));
  if (wanted !== undefined) return Math.min(wanted, most(PART_BYTES));
  return most(BYTES_FOR_A_WORKER) > 1 ? most(BYTES_FOR_A_WORKER) : 0;
}

/** What it takes to encode files with a tokenizer; made once for each. */
interface FileEncoder {
  readonly borders: Borders;
  readonly workers: WorkerPool;
}

const encoders = new WeakMap<Tokenizer, FileEncoder>();

function encoderOf(tokenizer: Tokenizer): FileEncoder {
  const known = encoders.get(tokenizer);
  if (known !== undefined) return known;
  const file = describeTokenizer(tokenizer);
  const made = { borders: findBorders(tokenizer, file), workers: new WorkerPool(file) };
  encoders.set(tokenizer, made);
  return made;
}
