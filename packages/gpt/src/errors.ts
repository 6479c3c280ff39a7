import { shown } from "./shown.ts";

/** A model's configuration that cannot be built. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly isTesseraError = true;
}

/** More tokens in a sequence than the model has positions. */
export class SequenceTooLongError extends Error {
  override readonly name = "SequenceTooLongError";
  readonly isTesseraError = true;
  readonly length: number;
  readonly contextLength: number;

  constructor(
    where: string,
    length: number,
    contextLength: number,
    advice = `Cut it into windows of at most ${contextLength} tokens, or make a model with a longer context.`,
  ) {
    super(`${where}: a sequence of ${length} tokens does not fit into the context of ${contextLength}. ${advice}`);
    this.length = length;
    this.contextLength = contextLength;
  }
}

/** Something was asked of a model for which it has no head. */
export class MissingHeadError extends Error {
  override readonly name = "MissingHeadError";
  readonly isTesseraError = true;

  constructor(field: string) {
    super(`The model has no such head: make it with ${field} in its configuration, or load a folder that holds it.`);
  }
}

/** An option or a prompt that nothing can be generated from. */
export class GenerationError extends Error {
  override readonly name = "GenerationError";
  readonly isTesseraError = true;
}

/** A model folder that describes a model which this package cannot compute. */
export class UnsupportedModelError extends Error {
  override readonly name = "UnsupportedModelError";
  readonly isTesseraError = true;

  constructor(file: string, field: string, value: unknown, supported: readonly unknown[]) {
    super(
      `${file}: ${field} is ${shown(value)}, which is not supported; supported is ${supported.map(shown).join(" or ")}.`,
    );
  }
}

/** A model folder of another kind than the one that was asked for, an encoder where a decoder was expected. */
export class WrongKindError extends Error {
  override readonly name = "WrongKindError";
  readonly isTesseraError = true;

  constructor(file: string, modelType: string, kind: string) {
    super(
      `${file}: a model of type ${JSON.stringify(modelType)} is of the kind ${kind}: open it with loadModel(folder, "${kind}").`,
    );
  }
}

/** A file of a model folder that is missing or is not what its name says. */
export class ModelFileError extends Error {
  override readonly name = "ModelFileError";
  readonly isTesseraError = true;
}

/** How many problems a message lists. */
const MOST_PROBLEMS = 5;

/** Tensors that do not fit the model: names the missing ones, the unknown ones and those of another shape. */
export class TensorMismatchError extends Error {
  override readonly name = "TensorMismatchError";
  readonly isTesseraError = true;
  /** All of them; the message lists the first. */
  readonly problems: readonly string[];

  constructor(what: string, problems: readonly string[]) {
    const more =
      problems.length > MOST_PROBLEMS
        ? `; and ${problems.length - MOST_PROBLEMS} more (error.problems lists all ${problems.length})`
        : "";
    super(`${what}: ${problems.slice(0, MOST_PROBLEMS).join("; ")}${more}.`);
    this.problems = problems;
  }
}

/** Something that cannot be planned for: an option that is out of range. */
export class PlanError extends Error {
  override readonly name = "PlanError";
  readonly isTesseraError = true;
}

/** An argument of another kind than TypeScript would let through; `error.message` says what it must be. */
export class ArgumentError extends Error {
  override readonly name = "ArgumentError";
  readonly isTesseraError = true;

  constructor(where: string, argument: string, value: unknown, expected: string) {
    super(`${where}: ${argument} is ${shown(value)}; it must be ${expected}.`);
  }
}

/** A way to store weights that there is not. */
export class StorageTypeError extends Error {
  override readonly name = "StorageTypeError";
  readonly isTesseraError = true;

  constructor(type: unknown, known: readonly string[]) {
    const list = known.map((each) => JSON.stringify(each)).join(" or ");
    super(`There is no storage type ${shown(type)} for weights: take ${list}.`);
  }
}

/** A model with nothing left to quantise. */
export class QuantizedModelError extends Error {
  override readonly name = "QuantizedModelError";
  readonly isTesseraError = true;

  constructor() {
    super(
      "quantizeModel: the model has no linear layer or embedding in float32. It was quantised before, or it is no model; " +
        "to change the type, load it again in float32.",
    );
  }
}

/** A tokenizer with another number of tokens than the model. */
export class TokenizerMismatchError extends Error {
  override readonly name = "TokenizerMismatchError";
  readonly isTesseraError = true;

  constructor(where: string, numTokens: number, vocabSize: number) {
    super(
      `${where}: the tokenizer has ${numTokens} tokens and the model ${vocabSize}. They do not belong together: take the ` +
        "tokenizer that the model was trained with.",
    );
  }
}
