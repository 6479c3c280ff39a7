import { tensor2d, tidy } from "@tensorflow/tfjs";
import type { Batch } from "@tessera-lm/data";
import { checkTokens, type LanguageModel } from "@tessera-lm/layers";
import type { LossSum } from "./loss-report.ts";
import { sum } from "./statistics.ts";

/**
 * Adds a batch's Σ −log p(target), and its number of targets, to `total`. Targets of −1 are not scored.
 * @throws VocabularyError when the model does not have an input or a target.
 */
export async function addBatch(total: LossSum, model: LanguageModel, batch: Batch): Promise<void> {
  checkTokens(batch.inputs, model.vocabSize);
  checkTokens(batch.targets, model.vocabSize, -1);
  const losses = tidy(() => {
    const shape: [number, number] = [...batch.shape];
    return model.tokenLosses(tensor2d(batch.inputs, shape, "int32"), tensor2d(batch.targets, shape, "int32")); // (B, T)
  });
  try {
    total.nats += sum(await losses.data<"float32">());
    for (const target of batch.targets) if (target >= 0) total.tokens++;
  } finally {
    losses.dispose();
  }
}
