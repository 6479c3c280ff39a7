import type { TokenId } from "./tokenizer.ts";

/** A user's mistake, told in one line: programs print its message without a stack. */
abstract class TokenizerError extends Error {
  readonly isTesseraError = true;
}

/** A tokenizer file does not have the form that its format demands. `place` names the file and the entry. */
export class MalformedTokenizerError extends TokenizerError {
  override readonly name = "MalformedTokenizerError";
  readonly place: string;
  readonly problem: string;

  constructor(place: string, problem: string, options?: ErrorOptions) {
    super(`${place}: ${problem}`, options);
    this.place = place;
    this.problem = problem;
  }
}

/** A tokenizer file asks for something that this package does not implement, or a format cannot hold a tokenizer. */
export class UnsupportedTokenizerError extends TokenizerError {
  override readonly name = "UnsupportedTokenizerError";
  /** The part at fault and its type, such as `model "Unigram"`. */
  readonly feature: string;
  /** What there is instead. */
  readonly supported: string;

  constructor(feature: string, supported: string) {
    super(`Unsupported ${feature}: ${supported}`);
    this.feature = feature;
    this.supported = supported;
  }
}

/** A character tokenizer met a character outside its vocabulary. */
export class UnknownCharacterError extends TokenizerError {
  override readonly name = "UnknownCharacterError";
  readonly character: string;
  /** Where `text.startsWith(character, position)` holds: an index in UTF-16 units. */
  readonly position: number;

  constructor(character: string, position: number) {
    const codePoint = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    super(
      `Character ${JSON.stringify(character)} (U+${codePoint}) at position ${position} is not in the vocabulary. ` +
        "Make the tokenizer from a text that contains it, or remove it.",
    );
    this.character = character;
    this.position = position;
  }
}

/** A byte-level vocabulary that lacks one of the 256 bytes met that byte. */
export class UnknownByteError extends TokenizerError {
  override readonly name = "UnknownByteError";
  readonly byte: number;

  constructor(byte: number, piece: string) {
    super(
      `Byte 0x${byte.toString(16).padStart(2, "0")} of ${JSON.stringify(piece.slice(0, 40))} has no token: ` +
        "the vocabulary lacks it. Train one with all 256 bytes.",
    );
    this.byte = byte;
  }
}

/** A piece of text, such as one word, is longer than the engine's regular expressions can match. */
export class PieceTooLongError extends TokenizerError {
  override readonly name = "PieceTooLongError";
  /** Where the piece begins: an index in UTF-16 units, counted from the special token before it, if there is one. */
  readonly position: number;

  constructor(position: number, options: { cause: unknown }) {
    super(
      `The piece of text that begins at position ${position} is too long: millions of characters without a border.`,
      options,
    );
    this.position = position;
  }
}

/** `decode` met a number that is not the id of any token. */
export class UnknownTokenIdError extends TokenizerError {
  override readonly name = "UnknownTokenIdError";
  readonly id: TokenId;
  /** Index of the id in the sequence. */
  readonly position: number;

  constructor(id: TokenId, position: number, vocabSize: number) {
    super(
      `Id ${id} at position ${position} is not a token: the vocabulary has ids 0 … ${vocabSize - 1}, some may be unused.`,
    );
    this.id = id;
    this.position = position;
  }
}

/** `allowedSpecial` or `disallowedSpecial` names a special token that the tokenizer does not have. */
export class UnknownSpecialTokenError extends TokenizerError {
  override readonly name = "UnknownSpecialTokenError";
  readonly token: string;

  constructor(token: string, known: Iterable<string>) {
    super(`No special token ${JSON.stringify(token)}; this tokenizer has: ${[...known].join(" ") || "none"}.`);
    this.token = token;
  }
}

/** A text contains the name of a special token that `disallowedSpecial` forbids. */
export class DisallowedSpecialTokenError extends TokenizerError {
  override readonly name = "DisallowedSpecialTokenError";
  readonly token: string;
  /** Where the name begins: an index in UTF-16 units. */
  readonly position: number;

  constructor(token: string, position: number) {
    super(
      `The text contains the special token ${JSON.stringify(token)} at position ${position}. Name it in ` +
        "allowedSpecial if it is meant, or leave it out of disallowedSpecial.",
    );
    this.token = token;
    this.position = position;
  }
}

/** A split pattern that cannot be compiled to a regular expression of JavaScript. */
export class InvalidPatternError extends TokenizerError {
  override readonly name = "InvalidPatternError";
  readonly pattern: string;

  constructor(pattern: string, options: { cause: unknown }) {
    const reason = options.cause instanceof Error ? options.cause.message : String(options.cause);
    super(`Split pattern ${JSON.stringify(pattern)} does not compile: ${reason}`, options);
    this.pattern = pattern;
  }
}

/** A function was called with something that it does not take. */
export class InvalidArgumentError extends TokenizerError {
  override readonly name = "InvalidArgumentError";
  readonly argument: string;

  constructor(argument: string, value: unknown, expected: string) {
    const given = Object(value) === value ? `of type ${typeof value}` : String(value).slice(0, 40);
    super(`${argument} is ${given}; expected ${expected}.`);
    this.argument = argument;
  }
}
