/** A tensor with the wrong rank, shape or dtype was given to an operation. The message shows what was expected and what arrived. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
  readonly isTesseraError = true;
  readonly operation: string;

  constructor(operation: string, problem: string) {
    super(`${operation}: ${problem}`);
    this.operation = operation;
  }
}

/** An option of an operation lies outside its range, such as a dropout rate of 1.5. */
export class OptionError extends Error {
  override readonly name = "OptionError";
  readonly isTesseraError = true;
  readonly operation: string;

  constructor(operation: string, problem: string) {
    super(`${operation}: ${problem}`);
    this.operation = operation;
  }
}

/** A token id or a target lies outside the vocabulary. */
export class TokenIdError extends Error {
  override readonly name = "TokenIdError";
  readonly isTesseraError = true;
  readonly operation: string;
  readonly id: number;
  readonly index: number;

  constructor(operation: string, id: number, index: number, expected: string) {
    super(`${operation}: id ${id} at index ${index} is out of range, expected ${expected}`);
    this.operation = operation;
    this.id = id;
    this.index = index;
  }
}

/** A function cannot be differentiated as asked. The message names the operation that stands in the way. */
export class GradientError extends Error {
  override readonly name = "GradientError";
  readonly isTesseraError = true;
}
