import type { backend_util, DataType, TensorInfo } from "@tensorflow/tfjs";
import { EngineError } from "../errors.ts";
import { type EngineDataType, type EngineMemory, isEngineType, type Place, toTypedArray } from "./memory.ts";

/** What the backend knows of a tensor: its place in the engine's memory or, until a command needs it, its values. */
export class TensorData {
  readonly dtype: DataType;
  refCount: number;
  /** The parts of a complex tensor; tfjs-backend-cpu's kernels set them. */
  complexTensorInfos?: { real: TensorInfo; imag: TensorInfo };
  readonly #memory: EngineMemory;
  #place: Place | undefined;
  #values: backend_util.BackendValues | undefined;

  constructor(
    memory: EngineMemory,
    dtype: DataType,
    refCount: number,
    content: { place: Place } | { values: backend_util.BackendValues | undefined },
  ) {
    this.#memory = memory;
    this.dtype = dtype;
    this.refCount = refCount;
    if ("place" in content) this.#place = content.place;
    else this.#values = content.values;
  }

  /** Where it lies, if it is in the engine's memory. */
  get place(): Place | undefined {
    return this.#place;
  }

  /** The values, when everything queued has run; those in the engine's memory are not copied. */
  get values(): backend_util.BackendValues | undefined {
    return this.#place ? this.#memory.view(this.dtype as EngineDataType, this.#place) : this.#values;
  }

  /**
   * Puts it into the engine's memory, if it is not there yet.
   * @throws EngineError if its type has no place there, as text and complex numbers have not
   */
  settle(): Place {
    if (!isEngineType(this.dtype)) throw new EngineError(`with a tensor of type ${this.dtype}`);
    this.#place ??= this.#memory.store(toTypedArray((this.#values ?? []) as ArrayLike<number>, this.dtype));
    this.#values = undefined;
    return this.#place;
  }
}
