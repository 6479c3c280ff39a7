import { uniformInt } from "pure-rand/distribution/uniformInt";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import type { Batch, BatchSource } from "./batch.ts";
import { requirePositive, requireSeed, requireShare } from "./check.ts";
import { withRandomness } from "./with-randomness.ts";

/** Not the numbers that windows and initial weights are drawn from, when they have the same seed. */
const STREAM = 2;

export interface MaskedTokensOptions {
  /** The token that stands for a hidden one. */
  readonly maskToken: number;
  /** How many tokens there are: what a random one is drawn from. */
  readonly vocabSize: number;
  /** The share of tokens that are to be told, in (0, 1). Default 0.15, as in BERT. */
  readonly share?: number;
  /** The same seed hides the same tokens; its low 32 bits count. */
  readonly seed: number;
}

/**
 * Batches for masked-language-modelling (Devlin et al. 2018): of the inputs of `batches` each token is to be told with
 * probability `share`; of those 80 % are the mask, 10 % a random token, 10 % stay. Targets are the tokens that stood
 * there, −1 elsewhere. A batch has at least one.
 * @throws DataOptionError; `restore` throws BatchStateError
 */
export function maskedTokens(batches: BatchSource, options: MaskedTokensOptions): BatchSource {
  const { maskToken, vocabSize, share = 0.15, seed } = options;
  requirePositive({ vocabSize });
  requireShare("share", share);
  requireSeed("seed", seed);
  const settings = { masking: `${maskToken} of ${vocabSize}, share ${share}, seed ${seed}` };
  return withRandomness(batches, { settings, seed, stream: STREAM }, (batch, random) => {
    return masked(batch, { maskToken, vocabSize, share }, random);
  });
}

function masked(
  { inputs, shape }: Batch,
  options: Omit<Required<MaskedTokensOptions>, "seed">,
  random: RandomGenerator,
): Batch {
  const { maskToken, vocabSize, share } = options;
  const corrupted = inputs.slice();
  const targets = new Int32Array(inputs.length).fill(-1);
  const hide = (place: number): void => {
    targets[place] = inputs[place];
    const lot = uniformInt(random, 0, 9);
    if (lot < 8) corrupted[place] = maskToken;
    else if (lot === 8) corrupted[place] = uniformInt(random, 0, vocabSize - 1);
  };
  for (let place = 0; place < inputs.length; place++) {
    if (uniformInt(random, 0, PARTS - 1) < share * PARTS) hide(place);
  }
  if (targets.every((target) => target < 0)) hide(uniformInt(random, 0, inputs.length - 1));
  return { inputs: corrupted, targets, shape };
}

/** How finely a share is drawn. */
const PARTS = 2 ** 31;
