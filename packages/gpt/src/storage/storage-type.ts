import type { StorageType } from "@tessera-lm/weights";
import { StorageTypeError } from "../errors.ts";

const TYPES: Readonly<Record<StorageType, true>> = { F32: true, BF16: true, F16: true, Q8_0: true, Q4_0: true };

/** The type itself. @throws {StorageTypeError} for one that there is not, as JavaScript lets through */
export function requireStorageType(type: StorageType): StorageType {
  if (Object.hasOwn(TYPES, type)) return type;
  throw new StorageTypeError(type, Object.keys(TYPES));
}
