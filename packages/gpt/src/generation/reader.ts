import type { Tensor2D } from "@tensorflow/tfjs";
import { GenerationError } from "../errors.ts";

/**
 * Reads sequences with a model. What it gives depends on the sequences and the model's weights alone; what it remembers
 * of those before only makes it faster. Results are the caller's. It rejects after `dispose`.
 */
export interface Reader {
  /** How many of the last tokens of a sequence the model may see at most. */
  readonly windowSize: number;
  /** Says that another text begins: the model may have other modules than before. */
  begin(): void;
  /** The logits of what follows each sequence, (B, V). Rejects when it is aborted between two chunks. */
  next(sequences: readonly (readonly number[])[], signal?: AbortSignal): Promise<Tensor2D>;
  /** The logits of what follows each of the last `count` tokens of one sequence, (count, V). */
  nextOfLast(sequence: readonly number[], count: number, signal?: AbortSignal): Promise<Tensor2D>;
  /** What it remembers of sequence i is from now on what it remembers of sequence `parents[i]`. */
  rearrange(parents: readonly number[]): void;
  dispose(): void;
}

export interface ReaderOptions {
  /** How many sequences are read at a time. Default 1. */
  readonly batchSize?: number;
  /** See {@link Reader.windowSize} and `windowOf`. */
  readonly windowSize: number;
  /** How many tokens of a sequence go through the model at once. */
  readonly chunkSize: number;
}

/** What is thrown when a reader is used that was disposed of. */
export function disposedReader(): GenerationError {
  return new GenerationError(
    "generate: the conversation was disposed of while a text was being generated. Dispose of it when its texts have ended.",
  );
}
