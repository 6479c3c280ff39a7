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
  if (dtype === "F16" || dtype === "BF16") {
    return widen(dtype, new Uint16Array(buffer, byteOffset, byteLength / 2));
  }
  if (dtype === "F32") return new Float32Array(buffer, byteOffset, byteLength / 4);
  if (dtype === "I32") return new Int32Array(buffer, byteOffset, byteLength / 4);
  if (dtype === "I64") return new BigInt64Array(buffer, byteOffset, byteLength / 8);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** The tensor's bytes as on disk, in chunks that are views of its data or small. */
export function* encodeData(name: string, tensor: HostTensor): Generator<Uint8Array> {
  const data = checkedData(name, tensor);
  if (data instanceof Float32Array && tensor.dtype === "F16") yield* narrow("F16", data);
  else if (data instanceof Float32Array && tensor.dtype === "BF16") yield* narrow("BF16", data);
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
function widen(dtype: "F16" | "BF16", halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  if (dtype === "F16") for (let i = 0; i < bits.length; i++) bits[i] = float16ToFloat32(halves[i]);
  else for (let i = 0; i < bits.length; i++) bits[i] = bfloat16ToFloat32(halves[i]);
  return new Float32Array(bits.buffer);
}

function* narrow(dtype: "F16" | "BF16", data: Float32Array): Generator<Uint8Array> {
  for (let start = 0; start < data.length; start += NARROWED_AT_A_TIME) {
    yield narrowed(dtype, data.subarray(start, start + NARROWED_AT_A_TIME));
  }
}

/** The bytes of 16-bit floats, rounded to nearest even. */
export function narrowed(dtype: "F16" | "BF16", data: Float32Array): Uint8Array {
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const halves = new Uint16Array(data.length);
  if (dtype === "F16") for (let i = 0; i < bits.length; i++) halves[i] = float32ToFloat16(bits[i]);
  else for (let i = 0; i < bits.length; i++) halves[i] = float32ToBfloat16(bits[i]);
  return new Uint8Array(halves.buffer);
}
