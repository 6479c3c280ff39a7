import type { StorageType } from "@tessera-lm/weights";
import { StorageTypeError } from "../errors.ts";

const TYPES: Readonly<Record<StorageType, true>> = { F32: true, BF16: true, F16: true, Q8_0: true, Q4_0: true };

/** The type itself. @throws {StorageTypeError} for one that there is not, or not here, as JavaScript lets through */
export function requireStorageType<Type extends StorageType>(type: Type, unlike?: StorageType): Type {
  const known = Object.keys(TYPES).filter((each) => each !== unlike);
  if (known.includes(type)) return type;
  throw new StorageTypeError(type, known);
}
