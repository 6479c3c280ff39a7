/** The longest text of a value. */
const LONGEST = 100;

/** A value as a message names it: texts in quotes, plain objects and lists as JSON, others by their class; long ones cut. */
export function shown(value: unknown): string {
  const text = whole(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

function whole(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value === "string") return JSON.stringify(value.slice(0, LONGEST + 1));
  if (typeof value !== "object" || value === null) return String(value);
  const type: unknown = value.constructor;
  const isPlain = typeof type !== "function" || type === Object || type === Array;
  if (isPlain) return asJson(value);
  return `${/^[AEIO]/.test(type.name) ? "an" : "a"} ${type.name}`;
}

/** Some objects cannot be written: one that holds itself, say. */
function asJson(value: object): string {
  try {
    return String(JSON.stringify(value, jsonValue));
  } catch {
    return Array.isArray(value) ? "a list" : "an object";
  }
}

/** JSON knows no bigint, and writes NaN and the infinities as null. */
const jsonValue = (_: string, value: unknown): unknown =>
  typeof value === "bigint" || (typeof value === "number" && !Number.isFinite(value)) ? String(value) : value;
