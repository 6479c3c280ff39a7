import { DataOptionError } from "./errors.ts";
import type { TokenSource } from "./token-source.ts";

/**
 * A test set. It is not itself a `TokenSource`, so it cannot end up in training, or steer a choice, by accident:
 * whoever wants to read it opens it and says what for.
 */
export class HeldOut<T = TokenSource> {
  readonly #open: () => T;
  readonly #purposes: string[] = [];

  constructor(open: () => T) {
    this.#open = open;
  }

  /**
   * Opens the test set for a purpose, such as `"final perplexity of run 7"`, which is kept in `purposes`.
   * @throws DataOptionError where no purpose is given
   */
  open(purpose: string): T {
    if (typeof purpose !== "string" || purpose.trim() === "") {
      throw new DataOptionError("purpose", purpose, "a sentence that says why the test set is opened");
    }
    this.#purposes.push(purpose);
    return this.#open();
  }

  /** What it has been opened for, in order. */
  get purposes(): readonly string[] {
    return this.#purposes;
  }
}
