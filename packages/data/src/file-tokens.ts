import { closeSync, openSync, readSync } from "node:fs";
import { TokenShardError } from "./errors.ts";
import { type ShardHeader, TOKEN_ARRAYS } from "./shard-format.ts";
import { requireRange, type TokenSource } from "./token-source.ts";

/** The tokens of one file, read by range. The file is opened at the first read. */
export class FileTokens implements TokenSource {
  readonly length: number;
  readonly #path: string;
  readonly #header: ShardHeader;
  #file: number | "not yet open" | "closed" = "not yet open";

  constructor(path: string, length: number, header: ShardHeader) {
    this.#path = path;
    this.length = length;
    this.#header = header;
  }

  read(start: number, end: number): Int32Array {
    requireRange(start, end, this.length);
    const ids = new TOKEN_ARRAYS[this.#header.dtype](end - start);
    this.#fill(new Uint8Array(ids.buffer), start * ids.BYTES_PER_ELEMENT);
    const { vocabSize } = this.#header;
    const wrong = ids.findIndex((id) => id >= vocabSize);
    if (wrong < 0) return Int32Array.from(ids);
    const problem = `token ${start + wrong} is ${ids[wrong]}, but the vocabulary has ${vocabSize}; copy or write it again`;
    throw new TokenShardError(this.#path, problem);
  }

  close(): void {
    if (typeof this.#file === "number") closeSync(this.#file);
    this.#file = "closed";
  }

  #fill(bytes: Uint8Array, position: number): void {
    const file = this.#open();
    for (let done = 0; done < bytes.length; ) {
      const count = readSync(file, bytes, done, bytes.length - done, position + done);
      if (count === 0)
        throw new TokenShardError(this.#path, `it ended at byte ${position + done}: it was cut while open`);
      done += count;
    }
  }

  #open(): number {
    if (this.#file === "closed") throw new TokenShardError(this.#path, "the token shards have been closed");
    if (this.#file === "not yet open") this.#file = openFile(this.#path);
    return this.#file;
  }
}

function openFile(path: string): number {
  try {
    return openSync(path, "r");
  } catch (cause) {
    throw new TokenShardError(path, `it cannot be opened (${(cause as Error).message})`, { cause });
  }
}
