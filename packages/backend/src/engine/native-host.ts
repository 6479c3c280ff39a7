import { EngineError } from "../errors.ts";
import type { Addon, AddonEngine } from "./addon.ts";
import type { EngineHost, HostBytes, MemoryRange } from "./host.ts";

/** Words of one command at most. */
const WORDS = 1 << 17;
/** The smallest buffer that is asked for. The system gives its pages only as they are used. */
const ARENA = 2 ** 28;

/** Commands are queued for the addon's thread; this one only waits where a result is asked for at once. */
export class NativeHost implements EngineHost {
  readonly description: string;
  readonly commands: readonly string[];
  readonly #addon: Addon;
  readonly #engine: AddonEngine;
  readonly #copyCommand: number;
  readonly #words = new Float64Array(new ArrayBuffer(WORDS * 8));
  /** All buffers that commands may address, so that none is collected. Sorted by address. */
  readonly #arenas: { start: number; buffer: ArrayBuffer }[] = [];

  constructor(addon: Addon) {
    this.#addon = addon;
    this.#engine = new addon.Engine(this.#words);
    this.description = `the engine, ${addon.description()}`;
    this.commands = addon.commands();
    this.#copyCommand = this.commands.indexOf("copy");
  }

  words(): Float64Array {
    return this.#words;
  }

  submit(length: number): void {
    this.#engine.submit(length);
  }

  drain(): void {
    try {
      this.#engine.drain();
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  async read(address: number, bytes: number): Promise<ArrayBuffer> {
    // Copied in the queue's order: what is queued behind may change the memory before JavaScript sees it.
    const copy = new ArrayBuffer(bytes);
    if (bytes > 0) {
      this.#words.set([this.#copyCommand, this.#addon.addressOf(copy), bytes, address, bytes]);
      this.#engine.submit(5);
    }
    try {
      await this.#engine.fence();
    } catch (cause) {
      throw this.#failure(cause);
    }
    return copy;
  }

  reserve(bytes: number): MemoryRange | undefined {
    for (const size of [Math.max(bytes + 1, ARENA), bytes + 1]) {
      const buffer = tryBuffer(size);
      if (buffer === undefined) continue;
      this.#addon.preferHugePages(buffer);
      const start = this.#addon.addressOf(buffer);
      this.#arenas.push({ start, buffer });
      this.#arenas.sort((a, b) => b.start - a.start);
      // All but the last byte, so that no range ends where another buffer begins and becomes one with it.
      return { start, bytes: size - 1 };
    }
    return undefined;
  }

  bytesAt(address: number): HostBytes {
    const arena = this.#arenas.find(({ start }) => start <= address);
    if (arena === undefined) throw new RangeError(`no buffer has the address ${address}`);
    return { buffer: arena.buffer, byteOffset: address - arena.start };
  }

  owns(buffer: ArrayBufferLike): boolean {
    return this.#arenas.some((arena) => arena.buffer === buffer);
  }

  /** From now on commands run again: the caller learns that what was queued up to here is not there. */
  #failure(cause: unknown): EngineError {
    this.#engine.forgive();
    return new EngineError((cause as Error).message, cause);
  }
}

function tryBuffer(bytes: number): ArrayBuffer | undefined {
  try {
    return new ArrayBuffer(bytes);
  } catch {
    return undefined;
  }
}
