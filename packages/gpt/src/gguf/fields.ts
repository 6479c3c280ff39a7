import type { GgufValue } from "@tessera-lm/weights";
import { ModelFileError } from "../errors.ts";

/** The metadata of a GGUF file, checked as they are read. Names are given without the architecture before them. */
export class GgufFields {
  readonly file: string;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly architecture: string;

  /** @throws {ModelFileError} if the file names no architecture */
  constructor(file: string, metadata: ReadonlyMap<string, GgufValue>) {
    this.file = file;
    this.metadata = metadata;
    const { value } = metadata.get("general.architecture") ?? {};
    if (typeof value !== "string") throw this.#missing("general.architecture", "the name of an architecture", value);
    this.architecture = value;
  }

  /** The name of a field in the file. */
  key(name: string): string {
    return `${this.architecture}.${name}`;
  }

  /** A number; 32-bit floats as the shortest decimal number that they stand for. @throws {ModelFileError} */
  number<Default extends number | undefined>(name: string, otherwise: Default): number | Default {
    const { type, value } = this.metadata.get(this.key(name)) ?? {};
    if (value === undefined) return otherwise;
    if (type === "float32") return shortest(value as number);
    if (typeof value === "number" || typeof value === "bigint") return Number(value);
    throw this.#missing(this.key(name), "a number", value);
  }

  /** A number that must be there. @throws {ModelFileError} */
  required(name: string): number {
    const value = this.number(name, undefined);
    if (value === undefined) throw this.#missing(this.key(name), "a number", value);
    return value;
  }

  /** A string, or undefined. @throws {ModelFileError} */
  string(name: string): string | undefined {
    const { value } = this.metadata.get(this.key(name)) ?? {};
    if (value === undefined || typeof value === "string") return value;
    throw this.#missing(this.key(name), "a string", value);
  }

  /** The id of a special token of the tokenizer, such as `bos`. */
  token(name: string): number | undefined {
    const { value } = this.metadata.get(`tokenizer.ggml.${name}_token_id`) ?? {};
    return typeof value === "number" ? value : undefined;
  }

  /** The tokens that end a text: of a text, of a turn in a chat, of a message. One, several or undefined. */
  endOfText(): number | readonly number[] | undefined {
    const ends = ["eos", "eot", "eom"].map((name) => this.token(name)).filter((token) => token !== undefined);
    const distinct = [...new Set(ends)];
    return distinct.length > 1 ? distinct : distinct[0];
  }

  #missing(key: string, expected: string, value: unknown): ModelFileError {
    const found = value === undefined ? "is missing" : `is ${typeof value === "object" ? "a list" : String(value)}`;
    return new ModelFileError(`${this.file}: ${key} ${found} in the metadata; it must be ${expected}.`);
  }
}

/** 9.99999974e-6, which is what float32 makes of 1e-5, as 1e-5. */
function shortest(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}
