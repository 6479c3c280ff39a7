/** A training option is out of range. */
export class InvalidTrainingOptionError extends Error {
  override readonly name = "InvalidTrainingOptionError";
  readonly isTesseraError = true;
  readonly option: string;

  constructor(option: string, value: unknown, expected: string) {
    super(`Training option ${option} is ${String(value)}; expected ${expected}.`);
    this.option = option;
  }
}
