import type { DataType, TypedArray } from "@tensorflow/tfjs";
import { EngineMemoryError } from "../errors.ts";
import { Allocator } from "./allocator.ts";
import type { EngineHost } from "./host.ts";

/** What tensors of the engine hold. */
export type EngineDataType = "float32" | "int32" | "bool";

/** Where a tensor lies in the engine's memory. */
export interface Place {
  readonly address: number;
  readonly bytes: number;
  /** What handed it out and takes it back. */
  readonly from: Allocator;
}

/** Memory for what is recorded, which keeps its places until it is freed as a whole. */
export interface Pool {
  readonly allocator: Allocator;
  free(): void;
}

/** Values of at most this many bytes travel inside of the queue; larger ones wait until it is empty. */
const INLINE_BYTES = 2 ** 15;
/** The smallest block that a pool takes. */
const POOL_BLOCK = 2 ** 18;

/** The engine's memory: places for tensors, and ways in and out that keep to the order of the queue. */
export class EngineMemory {
  readonly #backendName: string;
  readonly #host: EngineHost;
  readonly #allocator: Allocator;
  readonly #uploadCommand: number;
  /** Where new places come from. */
  #current: Allocator;

  constructor(backendName: string, host: EngineHost) {
    this.#backendName = backendName;
    this.#host = host;
    this.#allocator = new Allocator((bytes) => host.reserve(bytes));
    this.#current = this.#allocator;
    this.#uploadCommand = host.commands.indexOf("upload");
  }

  /** Bytes that tensors hold. */
  get usedBytes(): number {
    return this.#allocator.usedBytes;
  }

  /** @throws EngineMemoryError if there is no memory left */
  allocate(bytes: number): Place {
    const from = this.#current;
    const address = from.allocate(bytes);
    if (address !== undefined) return { address, bytes, from };
    throw new EngineMemoryError(this.#backendName, bytes, this.#allocator.usedBytes);
  }

  /** Commands that still wait for this place stand before those that will be given it again. */
  release(place: Place): void {
    place.from.release(place.address);
  }

  /** Memory of its own, which grows in blocks of this memory. */
  pool(): Pool {
    const blocks: Place[] = [];
    const allocator = new Allocator((bytes) => {
      const block = this.#block(Math.max(bytes, POOL_BLOCK));
      if (block) blocks.push(block);
      return block && { start: block.address, bytes: block.bytes };
    });
    return { allocator, free: () => blocks.splice(0).forEach((block) => this.release(block)) };
  }

  /** Runs `f`, whose new tensors get places in the pool. */
  within<T>({ allocator }: Pool, f: () => T): T {
    const outer = this.#current;
    this.#current = allocator;
    try {
      return f();
    } finally {
      this.#current = outer;
    }
  }

  /** All but the last byte is used, so that no block becomes one with its neighbour. */
  #block(bytes: number): Place | undefined {
    const address = this.#allocator.allocate(bytes + 1);
    return address === undefined ? undefined : { address, bytes, from: this.#allocator };
  }

  /**
   * A place with these values in it.
   * @throws EngineMemoryError if there is no memory left
   */
  store(values: TypedArray): Place {
    const place = this.allocate(values.byteLength);
    const source = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    if (place.bytes <= INLINE_BYTES) this.#queueUpload(source, place);
    else {
      // Commands in the queue may still use this memory for the tensor that had it before.
      this.#host.drain();
      const { buffer, byteOffset } = this.#host.bytesAt(place.address);
      new Uint8Array(buffer, byteOffset, place.bytes).set(source);
    }
    return place;
  }

  /** What lies there, when everything queued has run. Valid until the next allocation or command. */
  view(dtype: EngineDataType, { address, bytes }: Place): TypedArray {
    this.#host.drain();
    const { buffer, byteOffset } = this.#host.bytesAt(address);
    return typedArray(dtype, buffer, byteOffset, bytes);
  }

  /** A copy of what lies there when everything queued so far has run. */
  async read(dtype: EngineDataType, { address, bytes }: Place): Promise<TypedArray> {
    return typedArray(dtype, await this.#host.read(address, bytes));
  }

  /** Whether these values are a part of the engine's memory. */
  owns(values: ArrayBufferView): boolean {
    return this.#host.owns(values.buffer);
  }

  #queueUpload(source: Uint8Array, { address, bytes }: Place): void {
    const words = this.#host.words();
    words.set([this.#uploadCommand, address, bytes]);
    new Uint8Array(words.buffer, words.byteOffset + 3 * 8, bytes).set(source);
    this.#host.submit(3 + Math.ceil(bytes / 8));
  }
}

/** Values as the engine holds them: TensorFlow.js lets plain arrays, other typed arrays and whole buffers through. */
export function toTypedArray(values: ArrayLike<number> | ArrayBuffer, dtype: EngineDataType): TypedArray {
  const ArrayType = arrayTypes[dtype];
  if (values instanceof ArrayType) return values;
  return values instanceof ArrayBuffer ? new ArrayType(values) : ArrayType.from(values);
}

/** Whether the engine holds tensors of this type: text and complex numbers have no place in it. */
export function isEngineType(dtype: DataType): dtype is EngineDataType {
  return dtype in arrayTypes;
}

const arrayTypes = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };

function typedArray(dtype: EngineDataType, buffer: ArrayBuffer, byteOffset = 0, bytes = buffer.byteLength): TypedArray {
  const ArrayType = arrayTypes[dtype];
  return new ArrayType(buffer, byteOffset, bytes / ArrayType.BYTES_PER_ELEMENT);
}
