/** The bytes are not a valid safetensors file; names the file, the tensor (when one is to blame) and what was expected. */
export class SafetensorsError extends Error {
  override readonly name = "SafetensorsError";
  readonly isTesseraError = true;
  readonly file: string;
  readonly tensor: string | undefined;

  constructor(file: string, problem: string, tensor?: string) {
    const where = tensor === undefined ? file : `${file}, tensor ${JSON.stringify(tensor)}`;
    super(`${where}: ${problem}. The file is damaged or incomplete: copy, download or save it again.`);
    this.file = file;
    this.tensor = tensor;
  }
}

/** A tensor was asked for whose dtype is not read here, though it may be valid in safetensors. */
export class UnsupportedDTypeError extends Error {
  override readonly name = "UnsupportedDTypeError";
  readonly isTesseraError = true;
  readonly file: string;
  readonly tensor: string;
  readonly dtype: string;

  constructor(file: string, tensor: string, dtype: string, supported: readonly string[]) {
    super(
      `${file}, tensor ${JSON.stringify(tensor)}: dtype ${JSON.stringify(dtype)} is not supported. ` +
        `Convert the tensor to one of ${supported.join(", ")}.`,
    );
    this.file = file;
    this.tensor = tensor;
    this.dtype = dtype;
  }
}

/** A tensor was asked for that the file does not hold. */
export class MissingTensorError extends Error {
  override readonly name = "MissingTensorError";
  readonly isTesseraError = true;
  readonly file: string;
  readonly tensor: string;

  constructor(file: string, tensor: string, names: Iterable<string>) {
    const present = [...names];
    const shown = present.slice(0, 5).map((name) => JSON.stringify(name));
    const list = present.length > shown.length ? `${shown.join(", ")}, …` : shown.join(", ");
    super(`${file} has no tensor ${JSON.stringify(tensor)}; it holds ${present.length}: ${list}.`);
    this.file = file;
    this.tensor = tensor;
  }
}

/** A tensor that was to be written contradicts itself: its data do not fit its dtype and shape, or its name is taken. */
export class TensorDataError extends Error {
  override readonly name = "TensorDataError";
  readonly isTesseraError = true;
  readonly tensor: string;

  constructor(tensor: string, problem: string) {
    super(`Cannot write tensor ${JSON.stringify(tensor)}: ${problem}.`);
    this.tensor = tensor;
  }
}

/** A file cannot be read: missing, forbidden, a folder, or shorter than it was when opened. */
export class ReadError extends Error {
  override readonly name = "ReadError";
  readonly isTesseraError = true;
  readonly path: string;

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`Cannot read ${path}: ${problem}.`, options);
    this.path = path;
  }
}

/** A file or folder cannot be written; nothing of it was left at `path`. */
export class WriteError extends Error {
  override readonly name = "WriteError";
  readonly isTesseraError = true;
  readonly path: string;
  /** The system's code, such as `ENOSPC`. */
  readonly code: string;

  constructor(path: string, code: string, problem: string, options?: ErrorOptions) {
    super(`Cannot write ${path}: ${problem}.`, options);
    this.path = path;
    this.code = code;
  }
}
