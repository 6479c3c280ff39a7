/** A value as a message names it: texts in quotes, plain objects and lists as JSON, others by their class. */
export function shown(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" && typeof value !== "string") return String(value);
  const isPlain = typeof value === "string" || value === null || [Object, Array].includes(value.constructor as never);
  return isPlain ? JSON.stringify(value, jsonValue) : `a ${value.constructor?.name}`;
}

/** JSON knows no bigint, and writes NaN and the infinities as null. */
const jsonValue = (_: string, value: unknown): unknown =>
  typeof value === "bigint" || (typeof value === "number" && !Number.isFinite(value)) ? String(value) : value;
