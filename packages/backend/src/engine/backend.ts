import {
  backend_util,
  type DataId,
  DataStorage,
  type DataType,
  engine,
  KernelBackend,
  kernel_impls,
  type Rank,
  type Tensor,
  type Tensor2D,
  type TensorBuffer,
  type TensorInfo,
  type TypedArray,
  buffer as tensorBuffer,
  util,
} from "@tensorflow/tfjs";
import { EngineError, EngineMemoryError } from "../errors.ts";
import { Allocator } from "./allocator.ts";
import type { EngineHost } from "./host.ts";

/** What tensors of the engine hold. */
export type EngineDataType = "float32" | "int32" | "bool";

/** One argument of a command: a tensor is its address and its number of elements, undefined an absent tensor. */
export type CommandArgument = number | boolean | TensorInfo | undefined | readonly number[];

/** Values of at most this many bytes travel inside of the queue; larger ones wait until it is empty. */
const INLINE_BYTES = 2 ** 15;

/**
 * A TensorFlow.js backend whose tensors live in the engine's memory and whose kernels are commands to the engine.
 *
 * Kernels of tfjs-backend-cpu run on it, too: they find the same memory under `data.get(dataId).values`. What they
 * return stays where it is until a command needs it.
 */
export class EngineBackend extends KernelBackend {
  readonly data: DataStorage<TensorData>;
  /** Kernels of tfjs-backend-cpu that multiply matrices ask for the size of their tiles. */
  readonly blockSize = 48;
  readonly #host: EngineHost;
  readonly #allocator: Allocator;
  readonly #commands: ReadonlyMap<string, number>;
  readonly #name: string;

  constructor(name: string, host: EngineHost) {
    super();
    this.#name = name;
    this.#host = host;
    this.#allocator = new Allocator((bytes) => host.reserve(bytes));
    this.#commands = new Map(host.commands.map((command, i) => [command, i]));
    this.data = new DataStorage<TensorData>(this, engine());
  }

  /** What it runs on, in words. */
  get description(): string {
    return this.#host.description;
  }

  /**
   * Queues a command: the arguments in the order in which the command reads them.
   * @throws EngineError if the engine has no such command, or runs it at once and it fails
   */
  run(command: string, ...args: readonly CommandArgument[]): void {
    const number = this.#commands.get(command);
    if (number === undefined) throw new EngineError(`there is no command "${command}"`);
    // First of all, because placing a tensor in memory is a command, too.
    for (const arg of args) if (isTensorInfo(arg)) this.#place(arg);
    const words = this.#host.words();
    words[0] = number;
    let length = 1;
    for (const arg of args) length = this.#encode(arg, words, length);
    if (length > words.length) throw new EngineError(`the command "${command}" has ${length} words, which is too many`);
    this.#host.submit(length);
  }

  /** Writes an argument's words from `at` on; returns where the next one begins. */
  #encode(arg: CommandArgument, words: Float64Array, at: number): number {
    let end = at;
    if (arg === undefined) {
      words[end++] = 0;
      words[end++] = 0;
    } else if (typeof arg !== "object") words[end++] = Number(arg);
    else if (isTensorInfo(arg)) {
      words[end++] = this.#place(arg);
      words[end++] = util.sizeFromShape(arg.shape);
    } else {
      words[end++] = arg.length;
      for (const word of arg) words[end++] = word;
    }
    return end;
  }

  /**
   * A new tensor with whatever the memory holds.
   * @throws EngineMemoryError if there is no memory left
   */
  output(shape: readonly number[], dtype: EngineDataType): TensorInfo {
    const bytes = util.sizeFromShape([...shape]) * util.bytesPerElement(dtype);
    const dataId = {};
    this.data.set(dataId, new TensorData(this, dtype, 1, { address: this.#allocate(bytes), bytes }));
    return { dataId, shape: [...shape], dtype };
  }

  override write(values: backend_util.BackendValues, shape: number[], dtype: DataType): DataId {
    const dataId = {};
    this.move(dataId, values, shape, dtype, 1);
    return dataId;
  }

  override move(
    dataId: DataId,
    values: backend_util.BackendValues,
    _shape: number[],
    dtype: DataType,
    refCount: number,
  ): void {
    const data = new TensorData(this, dtype, refCount, undefined, values);
    this.data.set(dataId, data);
    // At once, because the caller may change the array afterwards. Strings and complex numbers have no place there.
    if (isEngineType(dtype) && values) this.#upload(data);
  }

  /** A tensor that a kernel of tfjs-backend-cpu has computed. */
  makeTensorInfo(shape: number[], dtype: DataType, values?: backend_util.BackendValues | string[]): TensorInfo {
    const encoded =
      typeof values?.[0] === "string" ? (values as string[]).map((text) => util.encodeString(text)) : values;
    const dataId = {};
    this.data.set(
      dataId,
      new TensorData(this, dtype, 1, undefined, this.#owned(encoded as backend_util.BackendValues)),
    );
    return { dataId, shape, dtype };
  }

  makeOutput<T extends Tensor>(values: backend_util.BackendValues, shape: number[], dtype: DataType): T {
    return engine().makeTensorFromTensorInfo(this.makeTensorInfo(shape, dtype, values), this) as T;
  }

  override refCount(dataId: DataId): number {
    return this.data.has(dataId) ? this.data.get(dataId).refCount : 0;
  }

  override incRef(dataId: DataId): void {
    this.data.get(dataId).refCount++;
  }

  decRef(dataId: DataId): void {
    if (this.data.has(dataId)) this.data.get(dataId).refCount--;
  }

  override disposeData(dataId: DataId, force = false): boolean {
    if (!this.data.has(dataId)) return true;
    const data = this.data.get(dataId);
    data.refCount--;
    if (!force && data.refCount > 0) return false;
    for (const part of Object.values(data.complexTensorInfos ?? {})) this.disposeData(part.dataId, true);
    // Commands that still wait for it stand before those that will be given the same memory.
    if (data.place) this.#allocator.release(data.place.address);
    this.data.delete(dataId);
    return true;
  }

  disposeIntermediateTensorInfo(tensor: TensorInfo): void {
    this.disposeData(tensor.dataId);
  }

  override async read(dataId: DataId): Promise<backend_util.BackendValues> {
    const data = this.data.get(dataId);
    if (data.complexTensorInfos) {
      const { real, imag } = data.complexTensorInfos;
      const parts = await Promise.all([this.read(real.dataId), this.read(imag.dataId)]);
      return backend_util.mergeRealAndImagArrays(parts[0] as Float32Array, parts[1] as Float32Array);
    }
    if (data.place === undefined) return this.readSync(dataId);
    const { address, bytes } = data.place;
    return typedArray(data.dtype as EngineDataType, await this.#host.read(address, bytes));
  }

  override readSync(dataId: DataId): backend_util.BackendValues {
    const data = this.data.get(dataId);
    if (data.complexTensorInfos) {
      const { real, imag } = data.complexTensorInfos;
      const parts = [this.readSync(real.dataId), this.readSync(imag.dataId)];
      return backend_util.mergeRealAndImagArrays(parts[0] as Float32Array, parts[1] as Float32Array);
    }
    const values = data.values ?? [];
    if (!isEngineType(data.dtype)) return util.convertBackendValuesAndArrayBuffer(values, data.dtype);
    return asTypedArray(values, data.dtype).slice();
  }

  bufferSync<R extends Rank, D extends DataType>(tensor: TensorInfo): TensorBuffer<R, D> {
    const values = this.readSync(tensor.dataId);
    const decoded =
      tensor.dtype === "string" ? (values as Uint8Array[]).map((text) => util.decodeString(text)) : values;
    return tensorBuffer(tensor.shape, tensor.dtype, decoded as never) as unknown as TensorBuffer<R, D>;
  }

  where(condition: Tensor): Tensor2D {
    return kernel_impls.whereImpl(condition.shape, this.readSync(condition.dataId) as TypedArray);
  }

  override numDataIds(): number {
    return this.data.numDataIds();
  }

  /** `numBytes` are those of the tensors in the engine's memory, each counted once. */
  override memory(): { unreliable: boolean; numBytes: number } {
    return { unreliable: false, numBytes: this.#allocator.usedBytes };
  }

  override timerAvailable(): boolean {
    return true;
  }

  override async time(run: () => void): Promise<{ kernelMs: number }> {
    this.#host.drain();
    const start = util.now();
    run();
    this.#host.drain();
    return { kernelMs: util.now() - start };
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override dispose(): void {
    this.#host.drain();
  }

  /** The tensor's memory as a typed array, when everything queued has run. Valid until the next allocation. */
  viewOf(dtype: EngineDataType, { address, bytes }: Place): TypedArray {
    this.#host.drain();
    const { buffer, byteOffset } = this.#host.bytesAt(address);
    return typedArray(dtype, buffer, byteOffset, bytes);
  }

  /** The address of a tensor, which is placed in the engine's memory if it is not there yet. */
  #place(tensor: TensorInfo): number {
    const data = this.data.get(tensor.dataId);
    if (data.place === undefined) this.#upload(data);
    return (data.place as Place).address;
  }

  #upload(data: TensorData): void {
    if (!isEngineType(data.dtype)) throw new EngineError(`a tensor of type ${data.dtype} has no place in the engine`);
    const values = asTypedArray(data.values, data.dtype);
    const place = { address: this.#allocate(values.byteLength), bytes: values.byteLength };
    const source = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    if (place.bytes <= INLINE_BYTES) this.#uploadInline(source, place.address);
    else {
      // Commands in the queue may still use this memory for the tensor that had it before.
      this.#host.drain();
      const { buffer, byteOffset } = this.#host.bytesAt(place.address);
      new Uint8Array(buffer, byteOffset, place.bytes).set(source);
    }
    data.settle(place);
  }

  #uploadInline(source: Uint8Array, address: number): void {
    const words = this.#host.words();
    words.set([this.#commands.get("upload") as number, address, source.length]);
    new Uint8Array(words.buffer, words.byteOffset + 3 * 8, source.length).set(source);
    this.#host.submit(3 + Math.ceil(source.length / 8));
  }

  #allocate(bytes: number): number {
    const address = this.#allocator.allocate(bytes);
    if (address !== undefined) return address;
    throw new EngineMemoryError(this.#name, bytes, this.#allocator.usedBytes);
  }

  /** A kernel may return a part of its input's memory, which the engine will use again. */
  #owned(values: backend_util.BackendValues | undefined): backend_util.BackendValues | undefined {
    if (!ArrayBuffer.isView(values) || !this.#host.owns(values.buffer)) return values;
    return (values as TypedArray).slice();
  }
}

/** Where a tensor lies in the engine's memory. */
interface Place {
  readonly address: number;
  readonly bytes: number;
}

/** What the backend knows of a tensor: its place in the engine's memory or, until a command needs it, its values. */
class TensorData {
  readonly dtype: DataType;
  refCount: number;
  complexTensorInfos?: { real: TensorInfo; imag: TensorInfo };
  readonly #backend: EngineBackend;
  #place: Place | undefined;
  #values: backend_util.BackendValues | undefined;

  constructor(
    backend: EngineBackend,
    dtype: DataType,
    refCount: number,
    place?: Place,
    values?: backend_util.BackendValues,
  ) {
    this.#backend = backend;
    this.dtype = dtype;
    this.refCount = refCount;
    this.#place = place;
    this.#values = values;
  }

  get place(): Place | undefined {
    return this.#place;
  }

  get values(): backend_util.BackendValues | undefined {
    return this.#place ? this.#backend.viewOf(this.dtype as EngineDataType, this.#place) : this.#values;
  }

  /** The values have gone into the engine's memory. */
  settle(place: Place): void {
    this.#place = place;
    this.#values = undefined;
  }
}

function isTensorInfo(arg: CommandArgument): arg is TensorInfo {
  return typeof arg === "object" && "dataId" in arg;
}

function isEngineType(dtype: DataType): dtype is EngineDataType {
  return dtype === "float32" || dtype === "int32" || dtype === "bool";
}

function typedArray(dtype: EngineDataType, buffer: ArrayBuffer, byteOffset = 0, bytes = buffer.byteLength): TypedArray {
  const ArrayType = arrayTypes[dtype];
  return new ArrayType(buffer, byteOffset, bytes / ArrayType.BYTES_PER_ELEMENT);
}

const arrayTypes = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };

/** TensorFlow.js lets plain arrays, other typed arrays and whole buffers through. */
function asTypedArray(values: backend_util.BackendValues | undefined, dtype: EngineDataType): TypedArray {
  const ArrayType = arrayTypes[dtype];
  if (values instanceof ArrayType) return values;
  return values instanceof ArrayBuffer ? new ArrayType(values) : ArrayType.from((values ?? []) as ArrayLike<number>);
}
