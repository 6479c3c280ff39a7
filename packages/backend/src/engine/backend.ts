import {
  backend_util,
  type DataId,
  DataStorage,
  type DataType,
  engine,
  KernelBackend,
  keep,
  kernel_impls,
  type Rank,
  type Tensor,
  type Tensor2D,
  type TensorBuffer,
  type TensorInfo,
  type TypedArray,
  buffer as tensorBuffer,
  tidy,
  util,
} from "@tensorflow/tfjs";
import type { Recording, RecordingBackend } from "@tessera-lm/ops";
import { EngineError } from "../errors.ts";
import type { EngineHost } from "./host.ts";
import { type EngineDataType, EngineMemory, isEngineType, type Place, toTypedArray } from "./memory.ts";
import { NotRecordableError, Recorder } from "./recorder.ts";
import { TensorData } from "./tensor-data.ts";

/** One argument of a command: a tensor is its address and its number of elements, undefined an absent tensor. */
export type CommandArgument = number | boolean | TensorInfo | undefined | readonly number[];

/**
 * A TensorFlow.js backend whose tensors live in the engine's memory and whose kernels are commands to the engine.
 *
 * Kernels of tfjs-backend-cpu run on it, too: they find the same memory under `data.get(dataId).values`. What they
 * return stays where it is until a command needs it.
 */
export class EngineBackend extends KernelBackend implements RecordingBackend {
  readonly data: DataStorage<TensorData>;
  /** Kernels of tfjs-backend-cpu that multiply matrices ask for the size of their tiles. */
  readonly blockSize = 48;
  readonly #host: Recorder;
  readonly #memory: EngineMemory;
  readonly #commands: ReadonlyMap<string, number>;
  readonly #copyCommand: number;
  /** Outputs of the kernel that is running. */
  #made: DataId[] | undefined;

  constructor(name: string, host: EngineHost) {
    super();
    this.#host = new Recorder(host);
    this.#memory = new EngineMemory(name, this.#host);
    this.#commands = new Map(host.commands.map((command, i) => [command, i]));
    this.#copyCommand = host.commands.indexOf("copy");
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
    for (const arg of args) if (isTensorInfo(arg)) this.data.get(arg.dataId).settle();
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
      words[end++] = this.#placeOf(arg).address;
      words[end++] = util.sizeFromShape(arg.shape);
    } else {
      words[end++] = arg.length;
      for (const word of arg) words[end++] = word;
    }
    return end;
  }

  /** A tensor that claims more elements than were written would let a kernel read, or write, what is not its own. */
  #placeOf({ dataId, shape, dtype }: TensorInfo): Place {
    const place = this.data.get(dataId).settle();
    if (util.sizeFromShape(shape) * util.bytesPerElement(dtype) <= place.bytes) return place;
    throw new EngineError(`with a tensor of shape (${shape.join(", ")}) that has only ${place.bytes} bytes`);
  }

  /** Puts a copy of a tensor's bytes into another tensor's memory. */
  copy(from: TensorInfo, to: TensorInfo): void {
    const [source, target] = [this.#placeOf(from), this.#placeOf(to)];
    const words = this.#host.words();
    words.set([this.#copyCommand, target.address, target.bytes, source.address, target.bytes]);
    this.#host.submit(5);
  }

  /**
   * What `f` does with copies of the inputs, to be done again without JavaScript: memory of its own holds whatever is
   * between. Nothing runs yet. Undefined if f needs a result on the way.
   */
  record(f: (...inputs: Tensor[]) => Tensor, inputs: readonly Tensor[]): Recording | undefined {
    const pool = this.#memory.pool();
    const kept: Tensor[] = [];
    const free = (): void => {
      for (const tensor of kept) tensor.dispose();
      pool.free();
    };
    const made = (shape: number[], dtype: DataType): Tensor =>
      engine().makeTensorFromTensorInfo(this.output(shape, dtype as EngineDataType), this);
    try {
      return this.#memory.within(pool, () => {
        const copies = inputs.map(({ shape, dtype }) => keep(made(shape, dtype)));
        kept.push(...copies);
        let result = undefined as unknown as Tensor;
        const commands = this.#host.record(() => {
          result = keep(tidy(() => f(...copies)));
          kept.push(result);
        });
        return {
          run: (inputs) => {
            inputs.forEach((input, i) => {
              this.copy(input, copies[i] as Tensor);
            });
            this.#host.replay(commands);
            const value = made(result.shape, result.dtype);
            this.copy(result, value);
            return value;
          },
          dispose: free,
        };
      });
    } catch (error) {
      free();
      if (error instanceof NotRecordableError) return undefined;
      throw error;
    }
  }

  /** Says that what comes next must not be repeated by a recording. */
  refuseRecording(): void {
    this.#host.requireLive();
  }

  /** Runs a kernel; if it throws, the outputs that it has made are freed again. */
  attempt<T>(kernel: () => T): T {
    const outer = this.#made;
    const made: DataId[] = [];
    this.#made = made;
    try {
      return kernel();
    } catch (error) {
      for (const dataId of made) this.disposeData(dataId, true);
      throw error;
    } finally {
      this.#made = outer;
    }
  }

  /**
   * A new tensor with whatever the memory holds.
   * @throws EngineError if this is no shape
   * @throws EngineMemoryError if there is no memory left
   */
  output(shape: readonly number[], dtype: EngineDataType): TensorInfo {
    const bytes = util.sizeFromShape([...shape]) * util.bytesPerElement(dtype);
    if (!(Number.isInteger(bytes) && bytes >= 0)) throw new EngineError(`a tensor of shape (${shape.join(", ")})`);
    const dataId = {};
    this.data.set(dataId, new TensorData(this.#memory, dtype, 1, { place: this.#memory.allocate(bytes) }));
    this.#made?.push(dataId);
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
    const data = new TensorData(this.#memory, dtype, refCount, { values });
    // At once, because the caller may change the array afterwards. Text and complex numbers have no place there.
    if (isEngineType(dtype) && values) data.settle();
    this.data.set(dataId, data);
  }

  /** A tensor that a kernel of tfjs-backend-cpu has computed. */
  makeTensorInfo(shape: number[], dtype: DataType, values?: backend_util.BackendValues | string[]): TensorInfo {
    const encoded =
      typeof values?.[0] === "string" ? (values as string[]).map((text) => util.encodeString(text)) : values;
    const dataId = {};
    const content = { values: this.#owned(encoded as backend_util.BackendValues) };
    this.data.set(dataId, new TensorData(this.#memory, dtype, 1, content));
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
    if (data.place) this.#memory.release(data.place);
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
    return this.#memory.read(data.dtype as EngineDataType, data.place);
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
    return toTypedArray(values as ArrayLike<number>, data.dtype).slice();
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
    return { unreliable: false, numBytes: this.#memory.usedBytes };
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
    try {
      this.#host.drain();
    } catch {
      // A command failed whose result nobody will ask for.
    }
  }

  /** A kernel may return a part of its input's memory, which the engine will use again. */
  #owned(values: backend_util.BackendValues | undefined): backend_util.BackendValues | undefined {
    return ArrayBuffer.isView(values) && this.#memory.owns(values) ? (values as TypedArray).slice() : values;
  }
}

function isTensorInfo(arg: CommandArgument): arg is TensorInfo {
  return typeof arg === "object" && "dataId" in arg;
}
