import type { Batch, BatchSource } from "@tessera-lm/data";
import { breathe, type LanguageModel } from "@tessera-lm/layers";
import { checkCount } from "./check-count.ts";
import { type LossReport, lossReport } from "./loss-report.ts";
import { addBatch } from "./score-batch.ts";

export interface EvaluateLossOptions {
  /** Stop after so many batches; needed when the batches never end. Default: all. */
  readonly maxBatches?: number;
  /** Stops between two batches, by throwing the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Mean loss = Σ −log p(target) / number of targets over batches, without dropout. Each token weighs the same, whatever
 * the size of its batch; targets of −1 count nowhere. A `BatchSource` is left where it stood, so that every evaluation
 * in a run, and after it resumes, sees the same batches.
 * @throws NothingToScoreError when no batch has a target.
 * @throws VocabularyError when the model does not have an input or a target.
 * @throws NotANumberError when a loss is NaN.
 * @throws EvaluationOptionError when an option is out of range.
 */
export async function evaluateLoss(
  model: LanguageModel,
  batches: Iterable<Batch>,
  options: EvaluateLossOptions = {},
): Promise<LossReport> {
  const { maxBatches = Number.POSITIVE_INFINITY, signal } = options;
  checkCount("maxBatches", maxBatches);
  signal?.throwIfAborted();
  const total = { nats: 0, tokens: 0 };
  let count = 0;
  const goBack = bookmark(batches);
  try {
    for (const batch of batches) {
      await addBatch(total, model, batch);
      if (++count >= maxBatches) break;
      await breathe();
      signal?.throwIfAborted();
    }
  } finally {
    goBack();
  }
  return lossReport(total, "Give at least one batch with a target that is not -1.");
}

/** Remembers where batches stand; the result brings them back there, if they know how. */
function bookmark(batches: Iterable<Batch>): () => void {
  if (!isBatchSource(batches)) return () => {};
  const state = batches.state();
  return () => batches.restore(state);
}

function isBatchSource(batches: Iterable<Batch>): batches is BatchSource {
  return "state" in batches && "restore" in batches;
}
