/** A path holds no tokenizer file that can be read. */
export class MissingTokenizerError extends Error {
  override readonly name = "MissingTokenizerError";
  readonly isTesseraError = true;
  readonly path: string;

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`${path}: ${problem}`, options);
    this.path = path;
  }
}

/** A tokenizer could not be written. Nothing half-written is left behind. */
export class SaveTokenizerError extends Error {
  override readonly name = "SaveTokenizerError";
  readonly isTesseraError = true;
  readonly path: string;

  constructor(path: string, options: { cause: unknown }) {
    const reason = options.cause instanceof Error ? options.cause.message : String(options.cause);
    super(
      `Cannot save the tokenizer to ${path}: ${reason}. Check that the folder is writable and the disk not full.`,
      options,
    );
    this.path = path;
  }
}

/** `encodeFile` could not read a file, or not encode a part of it. */
export class EncodeFileError extends Error {
  override readonly name = "EncodeFileError";
  readonly isTesseraError = true;
  readonly path: string;
  /** The byte at fault, or where the part of the file begins that is. */
  readonly offset: number | undefined;

  constructor(path: string, problem: string, options: ErrorOptions & { readonly offset?: number } = {}) {
    const { offset, ...others } = options;
    super(offset === undefined ? `${path}: ${problem}` : `${path}, byte ${offset}: ${problem}`, others);
    this.path = path;
    this.offset = offset;
  }
}
