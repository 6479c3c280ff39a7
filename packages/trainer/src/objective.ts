import { type Scalar, tensor2d } from "@tensorflow/tfjs";
import type { Batch, PairBatch } from "@tessera-lm/data";
import { checkTokens, type LanguageModel, type SequenceToSequenceModel } from "@tessera-lm/layers";

/** What an objective says about one micro-batch. */
export interface LossTerms {
  /** Σ of the losses of all targets, differentiable: a sum, so that micro-batches of unequal size add up right. */
  readonly loss: Scalar;
  /** How many targets the sum covers. */
  readonly count: number;
}

export interface ObjectiveContext {
  /** Seed of the dropout masks: another for every step and micro-batch of a run. */
  readonly seed: number;
}

/** What is to be minimised: Σ loss / Σ count over the micro-batches of a step. */
export type Objective<B> = (batch: B, context: ObjectiveContext) => LossTerms;

export interface ObjectiveOptions {
  /**
   * Gradient checkpointing: compute each block of the model again in the backward pass instead of keeping it. A third
   * more time, much less memory, the same numbers. Default false.
   */
  readonly checkpointing?: boolean;
}

/**
 * −log p(target) of every target that is not −1: pretraining, tuning with masked prompts, and for an encoder
 * masked-language-modelling, with batches of `maskedTokens`.
 * The objective throws VocabularyError of `@tessera-lm/layers` for a token that the model does not have.
 */
export function nextToken(model: LanguageModel, { checkpointing = false }: ObjectiveOptions = {}): Objective<Batch> {
  return ({ inputs, targets, shape }, { seed }) => {
    checkTokens(inputs, model.vocabSize);
    checkTokens(targets, model.vocabSize, -1);
    const size: [number, number] = [...shape];
    const [ids, wanted] = [tensor2d(inputs, size, "int32"), tensor2d(targets, size, "int32")];
    const loss = model.loss(ids, wanted, { seed, checkpointing });
    return { loss, count: countTargets(targets) };
  };
}

/**
 * −log p(target) of every target that is not −1, given the inputs: span corruption, translation, summaries.
 * The objective throws VocabularyError of `@tessera-lm/layers` for a token that the model does not have.
 */
export function sequenceToSequence(
  model: SequenceToSequenceModel,
  { checkpointing = false }: ObjectiveOptions = {},
): Objective<PairBatch> {
  return ({ inputs, inputShape, targets, targetShape }, { seed }) => {
    checkTokens(inputs, model.vocabSize);
    checkTokens(targets, model.vocabSize, -1);
    const ids = tensor2d(inputs, [...inputShape], "int32");
    const wanted = tensor2d(targets, [...targetShape], "int32");
    return { loss: model.loss(ids, wanted, { seed, checkpointing }), count: countTargets(targets) };
  };
}

function countTargets(targets: Int32Array): number {
  return targets.reduce((count, target) => count + Number(target >= 0), 0);
}
