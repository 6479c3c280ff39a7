/** There is nothing to score: no item, no batch, or a text too short to predict a token of. */
export class NothingToScoreError extends Error {
  override readonly name = "NothingToScoreError";
  readonly isTesseraError = true;

  constructor(what: string, hint: string) {
    super(`There is nothing to score: ${what}. ${hint}`);
  }
}

/** A number that an evaluation was given is out of range. */
export class EvaluationOptionError extends Error {
  override readonly name = "EvaluationOptionError";
  readonly isTesseraError = true;
  readonly option: string;

  constructor(option: string, value: unknown, expected: string) {
    super(`${option} is ${String(value)}; expected ${expected}.`);
    this.option = option;
  }
}

/** A pair of context and continuation that cannot be scored; `index` says which of the given ones it is. */
export class UnscorablePairError extends Error {
  override readonly name = "UnscorablePairError";
  readonly isTesseraError = true;
  readonly index: number;

  constructor(index: number, continuation: string, problem: string) {
    super(`Pair ${index} (continuation ${JSON.stringify(shorten(continuation))}) cannot be scored: ${problem}.`);
    this.index = index;
  }
}

/** The model gave a loss or log-likelihood that is no number: its weights, most likely, are damaged or diverged. */
export class NotANumberError extends Error {
  override readonly name = "NotANumberError";
  readonly isTesseraError = true;

  constructor(where: string) {
    super(`${where}: the model's output is not a number (NaN). Check that its weights are finite.`);
  }
}

/** A multiple-choice item that contradicts itself, such as an answer that is not among the choices. */
export class MalformedItemError extends Error {
  override readonly name = "MalformedItemError";
  readonly isTesseraError = true;
  readonly index: number;

  constructor(index: number, problem: string) {
    super(`Item ${index}: ${problem}.`);
    this.index = index;
  }
}

/** A file of a benchmark is damaged; the message begins with its path and line. */
export class MalformedTaskFileError extends Error {
  override readonly name = "MalformedTaskFileError";
  readonly isTesseraError = true;
  readonly path: string;
  /** Counted from 1. */
  readonly line: number;

  constructor(path: string, line: number, problem: string, options?: ErrorOptions) {
    super(`${path}:${line}: ${problem}. Download the benchmark again, or correct the line.`, options);
    this.path = path;
    this.line = line;
  }
}

/** A file or folder of a benchmark is not there, or cannot be read. */
export class MissingTaskFileError extends Error {
  override readonly name = "MissingTaskFileError";
  readonly isTesseraError = true;
  readonly path: string;

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`${path}: ${problem}.`, options);
    this.path = path;
  }
}

/** A subject was asked for that the benchmark does not have. */
export class UnknownSubjectError extends Error {
  override readonly name = "UnknownSubjectError";
  readonly isTesseraError = true;
  readonly subject: string;

  constructor(subject: string, subjects: readonly string[]) {
    super(`There is no subject ${JSON.stringify(subject)}. The subjects are ${subjects.join(", ")}.`);
    this.subject = subject;
  }
}

function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
