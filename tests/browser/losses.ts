import { inMemoryTokens, randomWindows } from "../../packages/data/src/index.ts";
import { createGpt2 } from "../../packages/gpt/src/index.ts";
import { parameters } from "../../packages/layers/src/index.ts";
import { adamw, nextToken, train } from "../../packages/trainer/src/index.ts";

/** The losses of a small GPT's first steps, on whatever backend is current. */
export async function firstLosses(): Promise<number[]> {
  const model = createGpt2({ vocabSize: 31, contextLength: 16, numLayers: 2, numHeads: 2, width: 32 }, 1);
  const tokens = inMemoryTokens(Int32Array.from({ length: 1000 }, (_, i) => (i * i) % 31));
  const losses: number[] = [];
  const events = train({
    parameters: parameters(model),
    objective: nextToken(model),
    batches: randomWindows(tokens, { batchSize: 4, contextLength: 16, seed: 1 }),
    optimizer: adamw({ learningRate: 1e-3 }),
    steps: 5,
    seed: 1,
  });
  for await (const event of events) if (event.type === "step-end") losses.push(event.loss);
  return losses;
}
