/** An option has a value that makes no sense; names the option, the value and what was expected. */
export class DataOptionError extends Error {
  override readonly name = "DataOptionError";
  readonly isTesseraError = true;
  readonly option: string;

  constructor(option: string, value: unknown, expected: string) {
    super(`${option} must be ${expected}, not ${typeof value === "string" ? JSON.stringify(value) : value}.`);
    this.option = option;
  }
}

/** There are fewer tokens than one window, or one whole batch, needs. */
export class TextTooShortError extends Error {
  override readonly name = "TextTooShortError";
  readonly isTesseraError = true;
  /** Tokens that there are. */
  readonly length: number;
  /** Tokens that the smallest batch needs. */
  readonly needed: number;

  constructor(length: number, needed: number, reason: string) {
    super(
      `The text is too short: it has ${length} tokens, but ${reason} needs ${needed}. Use a longer text or smaller settings.`,
    );
    this.length = length;
    this.needed = needed;
  }
}

/** Tokens were asked for that lie outside of the source. */
export class TokenPositionError extends Error {
  override readonly name = "TokenPositionError";
  readonly isTesseraError = true;

  constructor(start: number, end: number, length: number) {
    super(
      `Cannot read tokens ${start} … ${end}: the source holds ${length}, so 0 ≤ start ≤ end ≤ ${length} is needed.`,
    );
  }
}

/** A batch source was asked to go on from a state that is not one of its own. */
export class BatchStateError extends Error {
  override readonly name = "BatchStateError";
  readonly isTesseraError = true;
  /** The entry of the state that differs. */
  readonly key: string;

  constructor(key: string, found: unknown, expected: string) {
    super(
      `Cannot resume the batches: ${key} is ${JSON.stringify(found)} in the saved state, expected ${expected}. ` +
        "Resume with the data and settings that the run began with.",
    );
    this.key = key;
  }
}

/** A file that was to be read does not exist. */
export class MissingFileError extends Error {
  override readonly name = "MissingFileError";
  readonly isTesseraError = true;
  readonly path: string;

  constructor(path: string) {
    super(`Cannot read ${path}: it does not exist. Check the path.`);
    this.path = path;
  }
}

/** A file cannot be read as it is: a folder, forbidden, or too large for one string. */
export class UnreadableFileError extends Error {
  override readonly name = "UnreadableFileError";
  readonly isTesseraError = true;
  readonly path: string;

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`Cannot read ${path}: ${problem}.`, options);
    this.path = path;
  }
}

/** There is no text: an empty file, or no documents. */
export class EmptyTextError extends Error {
  override readonly name = "EmptyTextError";
  readonly isTesseraError = true;

  constructor(what: string) {
    super(`${what}: there is no text to learn from.`);
  }
}

/** A file is not UTF-8 text. */
export class BinaryTextError extends Error {
  override readonly name = "BinaryTextError";
  readonly isTesseraError = true;
  readonly path: string;
  /** Where in the file the first byte lies that is not text. */
  readonly offset: number;

  constructor(path: string, offset: number, problem: string) {
    super(`${path} is not UTF-8 text: ${problem} at byte ${offset}. Choose a text file, or convert it to UTF-8.`);
    this.path = path;
    this.offset = offset;
  }
}

/** A folder of token shards is damaged, incomplete, closed, or not one at all. */
export class TokenShardError extends Error {
  override readonly name = "TokenShardError";
  readonly isTesseraError = true;
  readonly path: string;

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`${path}: ${problem}.`, options);
    this.path = path;
  }
}

/** Tokens on disk were made by another tokenizer than the one at hand. */
export class TokenizerMismatchError extends Error {
  override readonly name = "TokenizerMismatchError";
  readonly isTesseraError = true;
  readonly folder: string;

  constructor(folder: string, found: string, expected: string) {
    super(
      `The tokens in ${folder} were made by another tokenizer (${found}, but the given one is ${expected}). ` +
        "Give the tokenizer that wrote them, or write the tokens again.",
    );
    this.folder = folder;
  }
}
