/// <reference path="./web-assembly.d.ts" />
import { EngineError } from "../errors.ts";
import type { EngineHost, HostBytes, MemoryRange } from "./host.ts";

/** The module's exports, see `crates/wasm`. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly __stack_pointer: { value: number };
  words(): number;
  run(words: number, length: number): void;
  reserve(bytes: number): number;
  commands(): number;
  failure(): number;
  text_length(): number;
}

/** Words of one command at most, as in the module. */
const WORDS = 1 << 17;
/** The memory grows by at least this much, and by an eighth of what there is. */
const SMALLEST_GROWTH = 2 ** 24;
/** All but the last page: no range ends where addresses do. */
const ADDRESSABLE = 2 ** 32 - 2 ** 16;
/** Rust addresses no longer ranges in 32 bits. */
const LARGEST = 2 ** 31 - 1;

/** Commands run at once in a WebAssembly module. */
export class WasmHost implements EngineHost {
  readonly description = "the engine as WebAssembly, 1 thread";
  readonly commands: readonly string[];
  readonly #exports: Exports;
  readonly #wordsAddress: number;
  #words: Float64Array;

  /** @throws CompileError or LinkError if these are not the bytes of the engine's module */
  static async load(bytes: ArrayBuffer): Promise<WasmHost> {
    const { instance } = await WebAssembly.instantiate(bytes);
    return new WasmHost(instance.exports as unknown as Exports);
  }

  private constructor(exports: Exports) {
    this.#exports = exports;
    this.#wordsAddress = exports.words() >>> 0;
    this.commands = this.#text(exports.commands()).split("\n");
    this.#words = this.#viewWords();
  }

  words(): Float64Array {
    // The memory moves when it grows, inside of a kernel too.
    if (this.#words.byteLength === 0) this.#words = this.#viewWords();
    return this.#words;
  }

  submit(length: number): void {
    const { run, failure, __stack_pointer: stack } = this.#exports;
    const pointer = stack.value;
    try {
      run(this.#wordsAddress, length);
    } catch (cause) {
      // A trap leaves the stack as it was in the middle of the kernel.
      stack.value = pointer;
      const command = this.commands[this.words()[0] as number];
      throw new EngineError(`${command}: ${this.#text(failure()) || String(cause)}`, cause);
    }
  }

  drain(): void {}

  async read(address: number, bytes: number): Promise<ArrayBuffer> {
    return this.#exports.memory.buffer.slice(address, address + bytes);
  }

  reserve(bytes: number): MemoryRange | undefined {
    const present = this.#exports.memory.buffer.byteLength;
    const left = ADDRESSABLE - present;
    if (bytes > Math.min(left, LARGEST)) return undefined;
    for (const size of [Math.min(Math.max(bytes, SMALLEST_GROWTH, present / 8), left), bytes]) {
      const start = this.#exports.reserve(size) >>> 0;
      if (start !== 0) return { start, bytes: size };
    }
    return undefined;
  }

  bytesAt(address: number): HostBytes {
    return { buffer: this.#exports.memory.buffer, byteOffset: address };
  }

  owns(buffer: ArrayBufferLike): boolean {
    return buffer === this.#exports.memory.buffer;
  }

  #viewWords(): Float64Array {
    return new Float64Array(this.#exports.memory.buffer, this.#wordsAddress, WORDS);
  }

  #text(address: number): string {
    const bytes = new Uint8Array(this.#exports.memory.buffer, address >>> 0, this.#exports.text_length());
    return new TextDecoder().decode(bytes);
  }
}
