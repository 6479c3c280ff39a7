import { type FileHandle, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { documentsFile, type Part, TOKEN_ARRAYS, type TokenDType, tokensFile } from "./shard-format.ts";

/** Tokens that are gathered before they go to the disk. */
const BUFFERED_TOKENS = 1 << 18;

/** Writes the documents of one part into files of at most `shardSize` tokens; a document may go on in the next file. */
export class ShardWriter {
  /** Tokens in each file so far, the current one last. */
  readonly lengths: number[] = [];
  readonly #folder: string;
  readonly #part: Part;
  readonly #shardSize: number;
  readonly #buffer: Uint16Array | Uint32Array;
  #buffered = 0;
  #starts: number[] = []; // of documents, in the current file
  #file: FileHandle | undefined;

  constructor(folder: string, part: Part, dtype: TokenDType, shardSize: number) {
    this.#folder = folder;
    this.#part = part;
    this.#shardSize = shardSize;
    this.#buffer = new TOKEN_ARRAYS[dtype](Math.min(BUFFERED_TOKENS, shardSize));
  }

  async write(document: Uint32Array): Promise<void> {
    for (let done = 0; done < document.length; ) {
      await this.#makeRoom();
      if (done === 0) this.#starts.push(this.#current);
      const room = Math.min(this.#buffer.length - this.#buffered, this.#shardSize - this.#current);
      const piece = document.subarray(done, done + room);
      this.#buffer.set(piece, this.#buffered);
      this.#buffered += piece.length;
      this.lengths[this.lengths.length - 1] += piece.length;
      done += piece.length;
    }
  }

  /** Writes what is still in memory and closes the current file, if there is one. */
  async close(): Promise<void> {
    if (this.#file === undefined) return;
    await this.#flush(this.#file);
    await this.abandon();
    const starts = join(this.#folder, documentsFile(this.#part, this.lengths.length - 1));
    await writeFile(starts, JSON.stringify(this.#starts));
    this.#starts = [];
  }

  /** Closes the current file without finishing it. */
  async abandon(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  /** Tokens in the current file, those in memory included. */
  get #current(): number {
    return this.lengths[this.lengths.length - 1];
  }

  async #makeRoom(): Promise<void> {
    if (this.#file !== undefined && this.#current === this.#shardSize) await this.close();
    if (this.#file === undefined) {
      this.#file = await open(join(this.#folder, tokensFile(this.#part, this.lengths.length)), "wx");
      this.lengths.push(0);
    }
    if (this.#buffered === this.#buffer.length) await this.#flush(this.#file);
  }

  async #flush(file: FileHandle): Promise<void> {
    const { buffer, BYTES_PER_ELEMENT } = this.#buffer;
    await file.writeFile(new Uint8Array(buffer, 0, this.#buffered * BYTES_PER_ELEMENT));
    this.#buffered = 0;
  }
}
