import { readFile, stat } from "node:fs/promises";
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
  PARTS,
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
 *   `read` throws TokenShardError (closed, damaged) and TokenPositionError
 */
export async function openTokenShards(folder: string, options: { tokenizer?: Tokenizer } = {}): Promise<TokenShards> {
  const header = await readHeader(folder);
  if (options.tokenizer !== undefined) requireTokenizer(folder, header, options.tokenizer);
  for (const part of PARTS) await requireFiles(folder, header, part);
  const files: FileTokens[] = [];
  const open = (part: Part): DocumentTokens => {
    const own = header.shards[part].map(
      (length, i) => new FileTokens(join(folder, tokensFile(part, i)), length, header),
    );
    files.push(...own);
    return { ...joined(own), documentStarts: () => readDocumentStarts(folder, part, header) };
  };
  return {
    training: open("training"),
    validation: open("validation"),
    test: new HeldOut(() => open("test")),
    vocabSize: header.vocabSize,
    close: () => {
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

/** Compares lengths only: what is in a file is not looked at. */
async function requireFiles(folder: string, { shards, dtype }: ShardHeader, part: Part): Promise<void> {
  for (const [index, length] of shards[part].entries()) {
    const path = join(folder, tokensFile(part, index));
    const stats = await stat(path).catch((error: Error) => fail(path, error));
    const expected = length * TOKEN_ARRAYS[dtype].BYTES_PER_ELEMENT;
    if (stats.size === expected) continue;
    throw new TokenShardError(
      path,
      `expected ${expected} bytes for ${length} tokens, found ${stats.size}; copy it again`,
    );
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
