import { ArgumentError } from "./errors.ts";

/** @throws {ArgumentError} for a path that is no text, or empty */
export function requirePath(where: string, path: unknown): void {
  if (typeof path === "string" && path !== "") return;
  throw new ArgumentError(where, "the path", path, "a text that is not empty");
}

/** @throws {ArgumentError} for what has no configuration, such as the promise of a model */
export function requireModel(where: string, model: unknown): void {
  const { config } = Object(model) as { readonly config?: unknown };
  if (typeof config === "object" && config !== null) return;
  throw new ArgumentError(where, "the model", model, "a model of this package, such as await loadModel(folder)");
}

/** @throws {ArgumentError} for options that are no object */
export function requireOptions(where: string, options: unknown, expected = "an object, or left out"): void {
  if (typeof options === "object" && options !== null) return;
  throw new ArgumentError(where, "the object of options", options, expected);
}
