import { type Tensor2D, tensor1d, tidy } from "@tensorflow/tfjs";
import { backendSamples, likeliestToken, pickToken, sampleTokens, tokenDistribution } from "@tessera-lm/ops";
import type { CommonOptions } from "./options.ts";
import type { Reader } from "./reader.ts";
import { penalizeRepetition } from "./repetition-penalty.ts";
import { requireToken } from "./sampling.ts";
import type { Choice, Sequence } from "./sequence.ts";

/** Draws the next token of each sequence: where the logits are, if nothing else needs them. */
export async function chooseNext(
  reader: Reader,
  sequences: readonly Sequence[],
  options: CommonOptions,
): Promise<Choice[]> {
  const logits = await reader.next(
    sequences.map(({ tokens }) => tokens),
    options.signal,
  ); // (B, V)
  const uniforms = sequences.map((sequence) => sequence.uniform());
  if (backendSamples() && !looksAtLogits(options)) {
    return (await sampled(logits, uniforms, options)).map((token) => ({ token }));
  }
  const rows = await rowsOf(logits);
  return rows.map((row, i) => {
    const probabilities = nextDistribution(row, sequences[i].tokens, options);
    return { token: pickToken(probabilities, uniforms[i]), logits: row };
  });
}

/** The distribution that the next token is drawn from, (V). @throws {GenerationError} if the logits are no numbers */
export function nextDistribution(logits: Float32Array, tokens: Iterable<number>, options: CommonOptions): Float64Array {
  const { repetitionPenalty = 1 } = options;
  const penalized = repetitionPenalty === 1 ? logits : penalizeRepetition(logits, tokens, repetitionPenalty);
  return tokenDistribution(penalized, requireToken(likeliestToken(penalized), penalized.length), options);
}

/** The rows of (B, V), which is disposed of. */
export async function rowsOf(logits: Tensor2D): Promise<Float32Array[]> {
  const [B, V] = logits.shape;
  try {
    const values = await logits.data<"float32">();
    return Array.from({ length: B }, (_, b) => values.subarray(b * V, (b + 1) * V));
  } finally {
    logits.dispose();
  }
}

function looksAtLogits({ repetitionPenalty = 1, logProbabilities }: CommonOptions): boolean {
  return repetitionPenalty !== 1 || logProbabilities !== undefined;
}

/** The tokens that the backend draws from (B, V), which is disposed of. */
async function sampled(logits: Tensor2D, uniforms: readonly number[], options: CommonOptions): Promise<number[]> {
  const vocabSize = logits.shape[1];
  const { temperature, topK, topP, minP } = options;
  const tokens = tidy(() => sampleTokens(logits, tensor1d([...uniforms]), { temperature, topK, topP, minP })); // (B)
  logits.dispose();
  try {
    return Array.from(await tokens.data(), (token) => requireToken(token, vocabSize));
  } finally {
    tokens.dispose();
  }
}
