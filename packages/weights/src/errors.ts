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

/** Problems that are listed in full; the rest is counted. */
const PROBLEMS_SHOWN = 10;

/** The index of a sharded model and its shards do not fit together; `problems` lists all that is wrong. */
export class ShardIndexError extends Error {
  override readonly name = "ShardIndexError";
  readonly isTesseraError = true;
  readonly file: string;
  readonly problems: readonly string[];

  constructor(file: string, problems: readonly string[]) {
    const more = problems.length - PROBLEMS_SHOWN;
    const shown = more > 0 ? [...problems.slice(0, PROBLEMS_SHOWN), `… and ${more} more`] : problems;
    super(`${file}: ${shown.join("; ")}. The model is damaged or incomplete: copy, download or save it again.`);
    this.file = file;
    this.problems = problems;
  }
}

/** The bytes are not a valid GGUF file; names the file, the tensor or key that is to blame, and what was expected. */
export class GgufError extends Error {
  override readonly name = "GgufError";
  readonly isTesseraError = true;
  readonly file: string;
  readonly tensor: string | undefined;

  constructor(file: string, problem: string, tensor?: string) {
    const where = tensor === undefined ? file : `${file}, tensor ${JSON.stringify(tensor)}`;
    super(`${where}: ${problem}. The file is damaged or incomplete: copy, download or convert it again.`);
    this.file = file;
    this.tensor = tensor;
  }
}

/** A file is of another format than the one it was opened as; a pickle is among them, which is never opened. */
export class WrongFormatError extends Error {
  override readonly name = "WrongFormatError";
  readonly isTesseraError = true;
  readonly file: string;
  /** What the file is, such as `a GGUF file`. */
  readonly found: string;

  constructor(file: string, expected: string, found: string, advice: string, options?: ErrorOptions) {
    super(`${file} is ${found}, not ${expected}. ${advice}.`, options);
    this.file = file;
    this.found = found;
  }
}

/** A tensor was asked for whose dtype is not read here, though the file may be valid. */
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

/** A value of the metadata that was to be written is not of its type. */
export class MetadataError extends Error {
  override readonly name = "MetadataError";
  readonly isTesseraError = true;
  readonly key: string;

  constructor(key: string, problem: string) {
    super(`Cannot write the metadata ${JSON.stringify(key)}: ${problem}.`);
    this.key = key;
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

/** Values that a storage type cannot hold, or bytes that are not of that type; nothing was converted. */
export class QuantizationError extends Error {
  override readonly name = "QuantizationError";
  readonly isTesseraError = true;
  /** Such as `Q8_0`. */
  readonly type: string;

  constructor(type: string, problem: string) {
    super(`${type}: ${problem}.`);
    this.type = type;
  }
}
