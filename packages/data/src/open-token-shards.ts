import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Tokenizer } from "@tessera-lm/tokenizer";
import { TokenizerMismatchError, TokenShardError } from "./errors.ts";
import { FileTokens } from "./file-tokens.ts";
import { HeldOut } from "./held-out.ts";
import {
  documentsFile,
  documentsFromJson,
  HEADER_FILE,
  headerFromJson,
  type Part,
  type ShardHeader,
  TOKEN_ARRAYS,
  tokensFile,
} from "./shard-format.ts";
import type { Split } from "./split.ts";
import { requireRange, type TokenSource } from "./token-source.ts";
import { tokenizerFingerprint } from "./tokenizer-fingerprint.ts";

/** Tokens on disk; `read` reads the range that is asked for and nothing more. */
export interface DocumentTokens extends TokenSource {
  /** The position at which each document begins, in order. */
  documentStarts(): Promise<number[]>;
}

/** An open folder of token shards. The files of the test part are not touched before `test.open`. */
export interface TokenShards extends Split<DocumentTokens> {
  readonly vocabSize: number;
  close(): void;
}

/**
 * Opens a folder that `writeTokenShards` wrote. Only its header is read; memory does not grow with the tokens.
 * @param options.tokenizer the tokenizer at hand: the tokens must be its own
 * @throws TokenShardError (no such folder, damaged header, a file missing or of another length), TokenizerMismatchError;
 *   `test.open` and `read` throw TokenShardError (closed, missing, damaged), `read` TokenPositionError
 */
export async function openTokenShards(folder: string, options: { tokenizer?: Tokenizer } = {}): Promise<TokenShards> {
  const header = await readHeader(folder);
  if (options.tokenizer !== undefined) requireTokenizer(folder, header, options.tokenizer);
  const files: FileTokens[] = [];
  let closed = false;
  const open = (part: Part): DocumentTokens => {
    if (closed) throw new TokenShardError(folder, "the token shards have been closed");
    const own = openFiles(folder, header, part);
    files.push(...own);
    return { ...joined(own), documentStarts: () => readDocumentStarts(folder, part, header) };
  };
  return {
    training: open("training"),
    validation: open("validation"),
    test: new HeldOut(() => open("test")),
    vocabSize: header.vocabSize,
    close: () => {
      closed = true;
      for (const file of files) file.close();
    },
  };
}

async function readHeader(folder: string): Promise<ShardHeader> {
  const path = join(folder, HEADER_FILE);
  return headerFromJson(path, await readFileOrThrow(path));
}

function requireTokenizer(folder: string, header: ShardHeader, tokenizer: Tokenizer): void {
  const found = `vocabulary of ${header.vocabSize}, ${header.tokenizer}`;
  const expected = `vocabulary of ${tokenizer.vocabSize}, ${tokenizerFingerprint(tokenizer)}`;
  if (found !== expected) throw new TokenizerMismatchError(folder, found, expected);
}

function openFiles(folder: string, header: ShardHeader, part: Part): FileTokens[] {
  return header.shards[part].map((length, index) => {
    const path = join(folder, tokensFile(part, index));
    requireSize(path, length, length * TOKEN_ARRAYS[header.dtype].BYTES_PER_ELEMENT);
    return new FileTokens(path, length, header);
  });
}

/** Compares lengths only: what is in a file is not looked at. */
function requireSize(path: string, length: number, expected: number): void {
  const found = sizeOf(path);
  if (found === expected) return;
  throw new TokenShardError(path, `expected ${expected} bytes for ${length} tokens, found ${found}; copy it again`);
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch (error) {
    return fail(path, error as Error);
  }
}

/** Sources one after the other as one source. */
function joined(sources: readonly TokenSource[]): TokenSource {
  const length = sources.reduce((sum, source) => sum + source.length, 0);
  const read = (start: number, end: number): Int32Array => {
    requireRange(start, end, length);
    const tokens = new Int32Array(end - start);
    let base = 0; // position of the source's first token
    for (const source of sources) {
      const from = Math.max(start, base);
      const to = Math.min(end, base + source.length);
      if (from < to) tokens.set(source.read(from - base, to - base), from - start);
      base += source.length;
    }
    return tokens;
  };
  return { length, read };
}

async function readDocumentStarts(folder: string, part: Part, { shards }: ShardHeader): Promise<number[]> {
  const all: number[] = [];
  let base = 0;
  for (const [index, length] of shards[part].entries()) {
    const path = join(folder, documentsFile(part, index));
    for (const start of documentsFromJson(path, await readFileOrThrow(path))) all.push(base + start);
    base += length;
  }
  return all;
}

const readFileOrThrow = (path: string): Promise<string> =>
  readFile(path, "utf8").catch((error: Error) => fail(path, error));

function fail(path: string, cause: Error): never {
  throw new TokenShardError(path, `it cannot be read (${cause.message}); is this a folder of token shards?`, { cause });
}
