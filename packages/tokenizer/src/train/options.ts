import { requireList } from "../arguments.ts";
import type { Part } from "../parts.ts";
import { InvalidTrainingOptionError } from "./errors.ts";

/** How far training has come: first texts are read and their words counted, then the vocabulary is learned. */
export type TrainingProgress =
  | { readonly stage: "read"; readonly numTexts: number; readonly numDistinctWords: number }
  | { readonly stage: "learn"; readonly vocabSize: number; readonly targetVocabSize: number };

/** What every trainer takes. */
export interface TrainingOptions {
  /** Number of ids wanted, special tokens included. Fewer come out when the texts are too small for more. */
  readonly vocabSize: number;
  /** Names of special tokens; they take the first ids. Default: none. Their names in the texts are ordinary text. */
  readonly specialTokens?: readonly string[];
  /** Called after every text, and after every step of learning. */
  readonly onProgress?: (progress: TrainingProgress) => void;
}

/** For callers without types who leave the options out: the size is what they miss. */
export const noOptions: TrainingOptions = { vocabSize: Number.NaN };

/** What the trainers take whose tokenizers are made of parts. */
export interface PipelineTrainingOptions extends TrainingOptions {
  /** How texts are changed first, as a `tokenizer.json` spells it: `{ type: "Lowercase" }`. Default: not at all. */
  readonly normalizer?: Part;
  /** The token for what no other token spells. It takes id 0 unless it is among `specialTokens`. */
  readonly unknownToken?: string;
}

/** The names of the special tokens, each once. @throws InvalidTrainingOptionError if one is empty */
export function specialNames({ specialTokens = [] }: TrainingOptions): string[] {
  requireList("specialTokens", specialTokens, "a list of names");
  const names = [...new Set(specialTokens)];
  const other = names.find((name) => typeof name !== "string");
  if (other !== undefined) throw new InvalidTrainingOptionError("specialTokens", other, "names");
  if (names.includes("")) throw new InvalidTrainingOptionError("specialTokens", '""', "names that are not empty");
  return names;
}

/** The same, and before them the unknown token unless it is one of them. */
export function specialNamesWith(unknownToken: string, { specialTokens = [], ...options }: TrainingOptions): string[] {
  const before = specialTokens.includes(unknownToken) ? [] : [unknownToken];
  return specialNames({ ...options, specialTokens: [...before, ...specialTokens] });
}

/** @throws InvalidTrainingOptionError unless `value` is a whole number of at least `least`, which `why` explains */
export function requireWhole(option: string, value: number, least: number, why = ""): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new InvalidTrainingOptionError(option, value, `a whole number of at least ${least}${why && ` (${why})`}`);
}

/** @throws InvalidTrainingOptionError for a frequency that is negative or no number */
export function requireFrequency(minFrequency: number): void {
  if (typeof minFrequency !== "number" || !(minFrequency >= 0))
    throw new InvalidTrainingOptionError("minFrequency", minFrequency, "a number from 0");
}
