/** What our program of a case is told. */
export interface DecodeSettings {
  readonly folder: string;
  readonly format: Format;
  readonly promptLength: number;
  readonly newTokens: number;
  readonly backend?: string;
}

/** How the weights are stored. */
export type Format = "F32" | "Q8_0";

/** A model and how much of it is measured. */
export interface DecodeCase {
  readonly format: Format;
  readonly promptLength: number;
  readonly newTokens: number;
  /** Turns of each contestant. */
  readonly rounds: number;
}

/** GPT-2 of 124M parameters: a prompt of 256 tokens, then 128 new ones. */
export const decodeCases: Readonly<Record<string, DecodeCase>> = {
  f32: { format: "F32", promptLength: 256, newTokens: 128, rounds: 3 },
  "q8-0": { format: "Q8_0", promptLength: 256, newTokens: 128, rounds: 3 },
};
