/** An option of an adapter is out of range. */
export class LoraOptionError extends Error {
  override readonly name = "LoraOptionError";
  readonly isTesseraError = true;
  readonly option: string;

  constructor(option: string, value: unknown, expected: string) {
    super(`${option} is ${String(value)}; expected ${expected}.`);
    this.option = option;
  }
}

/** A target matches no linear layer of the model; the message lists those that there are. */
export class UnmatchedTargetError extends Error {
  override readonly name = "UnmatchedTargetError";
  readonly isTesseraError = true;
  readonly target: string;

  constructor(target: string | RegExp, paths: readonly string[]) {
    const shown = paths.length === 0 ? "none" : paths.slice(0, 12).join(", ") + (paths.length > 12 ? ", …" : "");
    super(
      `No linear layer matches the target ${typeof target === "string" ? JSON.stringify(target) : String(target)}. ` +
        `A name matches the end of a layer's path. The ${paths.length} linear layers of the model: ${shown}.`,
    );
    this.target = String(target);
  }
}

/** The model has an adapter already, or has none where one is needed. */
export class AdapterStateError extends Error {
  override readonly name = "AdapterStateError";
  readonly isTesseraError = true;
}

/** A file of an adapter folder is missing, unreadable or not what it should be. */
export class AdapterFileError extends Error {
  override readonly name = "AdapterFileError";
  readonly isTesseraError = true;
  readonly path: string;

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`${path}: ${problem}.`, options);
    this.path = path;
  }
}

/** The adapter's configuration asks for something that is not computed here. */
export class UnsupportedAdapterError extends Error {
  override readonly name = "UnsupportedAdapterError";
  readonly isTesseraError = true;
  readonly path: string;

  constructor(path: string, field: string, value: unknown, supported: string) {
    super(
      `${path}: ${field} is ${JSON.stringify(value)}; supported is only ${supported}. Retrain the adapter without it.`,
    );
    this.path = path;
  }
}

/** The adapter's tensors do not belong to this model; `problems` lists all that was found. */
export class AdapterMismatchError extends Error {
  override readonly name = "AdapterMismatchError";
  readonly isTesseraError = true;
  readonly path: string;
  readonly problems: readonly string[];

  constructor(path: string, problems: readonly string[]) {
    const more = problems.length > 8 ? `; and ${problems.length - 8} more` : "";
    super(`${path} does not fit this model: ${problems.slice(0, 8).join("; ")}${more}. Was it trained on another one?`);
    this.path = path;
    this.problems = problems;
  }
}
