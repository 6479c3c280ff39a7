import type { DataType, TensorInfo } from "@tensorflow/tfjs";
import type { EngineDataType } from "../memory.ts";

/** Commands are named after float32; those of the other types carry their name. */
const suffixes: Record<EngineDataType, string> = { float32: "", int32: "_int32", bool: "_bool" };

/** A command's name for numbers of this type. */
export function commandFor(command: string, dtype: DataType): string {
  return command + suffixes[dtype as EngineDataType];
}

/** A command's name for moving numbers of this type about: those of four bytes are moved alike. */
export function moveCommandFor(command: string, dtype: DataType): string {
  return dtype === "bool" ? commandFor(command, dtype) : command;
}

/** Whether all of the tensors have one of these types, the same one. */
export function haveType(tensors: readonly TensorInfo[], types: readonly DataType[]): boolean {
  const dtype = tensors[0]?.dtype;
  return dtype !== undefined && types.includes(dtype) && tensors.every((tensor) => tensor.dtype === dtype);
}

export const floatTypes: readonly DataType[] = ["float32"];
export const boolTypes: readonly DataType[] = ["bool"];
export const numberTypes: readonly DataType[] = ["float32", "int32"];
export const allTypes: readonly DataType[] = ["float32", "int32", "bool"];
