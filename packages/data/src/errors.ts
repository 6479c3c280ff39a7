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
export class TokenRangeError extends Error {
  override readonly name = "TokenRangeError";
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
