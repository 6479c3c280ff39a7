import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";
import type { Batch, BatchSource, BatchState } from "./batch.ts";
import { requireGenerator, requireSettings } from "./batch-state.ts";
import { requirePositive, requireSeed } from "./check.ts";
import { identify } from "./identify.ts";
import { seededGenerator } from "./random.ts";
import type { TokenSource } from "./token-source.ts";
import { gatherWindows, requireOneWindow } from "./windows.ts";

/** Not the numbers that the initial weights are drawn from, when both have the same seed. */
const STREAM = 1;

export interface RandomWindowsOptions {
  /** Windows in a batch, B. */
  readonly batchSize: number;
  /** Tokens in a window, T. */
  readonly contextLength: number;
  /** The same seed gives the same batches; its low 32 bits count. */
  readonly seed: number;
}

/**
 * Endless batches of windows that begin at uniformly drawn positions 0 … length − contextLength − 1, as nanoGPT's
 * get_batch draws them. Every iterator goes on where the last batch was handed out. Reads up to 65,536 tokens at once,
 * so that a state knows its text.
 * @throws DataOptionError, TextTooShortError; `restore` throws BatchStateError
 */
export function randomWindows(tokens: TokenSource, options: RandomWindowsOptions): BatchSource {
  const { batchSize, contextLength, seed } = options;
  requirePositive({ batchSize, contextLength });
  requireSeed("seed", seed);
  requireOneWindow(tokens, contextLength);
  const settings = { kind: "random windows", ...identify(tokens), batchSize, contextLength, seed };
  let generator = seededGenerator(seed, STREAM);

  const drawBatch = (): Batch => {
    const lastStart = tokens.length - contextLength - 1;
    const starts = Array.from({ length: batchSize }, () => uniformInt(generator, 0, lastStart));
    return gatherWindows(tokens, starts, contextLength);
  };
  return {
    *[Symbol.iterator](): Generator<Batch> {
      while (true) yield drawBatch();
    },
    state: (): BatchState => ({ ...settings, generator: generator.getState() }),
    restore(state: BatchState): void {
      requireSettings(state, settings);
      generator = xoroshiro128plusFromState(requireGenerator(state, "generator"));
    },
  };
}
