import type { Batch } from "@tessera-lm/data";
import type { LanguageModel } from "@tessera-lm/layers";
import { breathe } from "./breathe.ts";
import { EvaluationOptionError } from "./errors.ts";
import { type LossReport, lossReport } from "./loss-report.ts";
import { addBatch } from "./score-batch.ts";

export interface EvaluateLossOptions {
  /** Stop after so many batches; needed when the batches never end. Default: all. */
  readonly maxBatches?: number;
}

/**
 * Mean loss = Σ −log p(target) / number of targets over batches, without dropout. Each token weighs the same, whatever
 * the size of its batch; targets of −1 count nowhere.
 * @throws NothingToScoreError when no batch has a target.
 * @throws TokenOutsideVocabularyError when the model does not have an input or a target.
 * @throws NotANumberError when a loss is NaN.
 */
export async function evaluateLoss(
  model: LanguageModel,
  batches: Iterable<Batch>,
  options: EvaluateLossOptions = {},
): Promise<LossReport> {
  const { maxBatches = Number.POSITIVE_INFINITY } = options;
  if (!(maxBatches >= 1)) throw new EvaluationOptionError("maxBatches", maxBatches, "a number of at least 1");
  const total = { nats: 0, tokens: 0 };
  let count = 0;
  for (const batch of batches) {
    await addBatch(total, model, batch);
    if (++count >= maxBatches) break;
    await breathe();
  }
  return lossReport(total, "Give at least one batch with a target that is not -1.");
}
