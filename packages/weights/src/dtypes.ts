import { TensorDataError } from "./errors.ts";
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from "./half.ts";
import { type DType, describe, elementCount, type HostTensor } from "./tensor.ts";

/** Elements that are narrowed to 16 bits at a time while writing, so that no second copy of a tensor exists. */
const NARROWED_AT_A_TIME = 1 << 20;

type HostData = HostTensor["data"];

const HOST_ARRAYS = {
  F32: Float32Array,
  F16: Float32Array,
  BF16: Float32Array,
  I32: Int32Array,
  I64: BigInt64Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

/** Bytes as on disk (little-endian) → the array that holds them in memory; copies only where it must. */
export function decodeData(dtype: DType, bytes: Uint8Array): HostData {
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
  const { buffer, byteOffset, byteLength } = aligned;
  if (dtype === "F16") return widen(new Uint16Array(buffer, byteOffset, byteLength / 2), float16ToFloat32);
  if (dtype === "BF16") return widen(new Uint16Array(buffer, byteOffset, byteLength / 2), bfloat16ToFloat32);
  if (dtype === "F32") return new Float32Array(buffer, byteOffset, byteLength / 4);
  if (dtype === "I32") return new Int32Array(buffer, byteOffset, byteLength / 4);
  if (dtype === "I64") return new BigInt64Array(buffer, byteOffset, byteLength / 8);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** The tensor's bytes as on disk, in chunks that are views of its data or small. */
export function* encodeData(name: string, tensor: HostTensor): Generator<Uint8Array> {
  const data = checkedData(name, tensor);
  if (data instanceof Float32Array && tensor.dtype === "F16") yield* narrow(data, float32ToFloat16);
  else if (data instanceof Float32Array && tensor.dtype === "BF16") yield* narrow(data, float32ToBfloat16);
  else yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function checkedData(name: string, tensor: HostTensor): HostData {
  const { data, dtype, shape } = tensor;
  const HostArray = HOST_ARRAYS[dtype];
  if (!(data instanceof HostArray)) {
    throw new TensorDataError(
      name,
      `${dtype} data must be a ${HostArray.name}, not ${data?.constructor?.name ?? data}`,
    );
  }
  if (data.length !== elementCount(shape)) {
    throw new TensorDataError(name, `${describe(tensor)} has ${elementCount(shape)} elements, its data ${data.length}`);
  }
  return data;
}

// Bits go through integer views: a float read as a number may lose the payload of a NaN.
function widen(narrow: Uint16Array, toFloat32: (bits: number) => number): Float32Array {
  const bits = new Uint32Array(narrow.length);
  for (let i = 0; i < narrow.length; i++) bits[i] = toFloat32(narrow[i]);
  return new Float32Array(bits.buffer);
}

function* narrow(data: Float32Array, fromFloat32: (bits: number) => number): Generator<Uint8Array> {
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  for (let start = 0; start < bits.length; start += NARROWED_AT_A_TIME) {
    const chunk = new Uint16Array(Math.min(NARROWED_AT_A_TIME, bits.length - start));
    for (let i = 0; i < chunk.length; i++) chunk[i] = fromFloat32(bits[start + i]);
    yield new Uint8Array(chunk.buffer);
  }
}
