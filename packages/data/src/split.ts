import { DataOptionError } from "./errors.ts";
import { HeldOut } from "./held-out.ts";
import { inMemoryTokens, type TokenSource } from "./token-source.ts";

/** The shares of a text, each in [0, 1), that are kept out of training; the rest is trained on. Default: 0. */
export interface SplitFractions {
  readonly validation?: number;
  readonly test?: number;
}

/** Three parts of one text. The test part must be opened on purpose. */
export interface Split<T> {
  readonly training: T;
  readonly validation: T;
  readonly test: HeldOut<T>;
}

/**
 * Splits ids into training, validation and test, in this order: training is the first ⌊n · (1 − validation − test)⌋,
 * as in nanoGPT, validation goes on to ⌊n · (1 − test)⌋. The ids are not copied.
 * @throws DataOptionError where a fraction is outside of [0, 1) or nothing is left to train on
 */
export function splitTokens(ids: Uint32Array, fractions: SplitFractions): Split<TokenSource> {
  const [trainingEnd, validationEnd] = boundaries(ids.length, fractions);
  return {
    training: inMemoryTokens(ids.subarray(0, trainingEnd)),
    validation: inMemoryTokens(ids.subarray(trainingEnd, validationEnd)),
    test: new HeldOut(() => inMemoryTokens(ids.subarray(validationEnd))),
  };
}

/**
 * Splits a text as `splitTokens` splits ids, counted in Unicode code points (as Python counts), so that no character
 * is cut. Splitting before tokenizing keeps a token from reaching over the border, as in nanoGPT.
 * @throws DataOptionError where a fraction is outside of [0, 1) or nothing is left to train on
 */
export function splitText(text: string, fractions: SplitFractions): Split<string> {
  const [trainingEnd, validationEnd] = boundaries(codePointCount(text), fractions);
  const first = codePointIndex(text, 0, trainingEnd);
  const second = codePointIndex(text, first, validationEnd - trainingEnd);
  return {
    training: text.slice(0, first),
    validation: text.slice(first, second),
    test: new HeldOut(() => text.slice(second)),
  };
}

/** Throws DataOptionError unless both fractions lie in [0, 1) and leave something to train on. */
export function requireFractions({ validation = 0, test = 0 }: SplitFractions): void {
  for (const [name, value] of Object.entries({ validation, test })) {
    if (!(value >= 0 && value < 1)) throw new DataOptionError(name, value, "a fraction from 0 to below 1");
  }
  if (validation + test >= 1) throw new DataOptionError("validation + test", validation + test, "below 1");
}

function boundaries(length: number, fractions: SplitFractions): [trainingEnd: number, validationEnd: number] {
  requireFractions(fractions);
  const { validation = 0, test = 0 } = fractions;
  return [share(length, 1 - validation - test), share(length, 1 - test)];
}

/** ⌊length · fraction⌋, where 10 · (1 − 0.9) is 1 although the machine's product is 0.9999999999999998. */
const share = (length: number, fraction: number): number => Math.floor(Number((length * fraction).toPrecision(15)));

function codePointCount(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i += unitsAt(text, i)) count++;
  return count;
}

/** The index in UTF-16 units that lies `count` code points after `start`. */
function codePointIndex(text: string, start: number, count: number): number {
  let index = start;
  for (let i = 0; i < count; i++) index += unitsAt(text, index);
  return index;
}

const unitsAt = (text: string, index: number): 1 | 2 => ((text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1);
