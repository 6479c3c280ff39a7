/** Our side of the training benchmark: one training step at a time, on command. Argument: {@link TrainSettings}. */
import { type BackendName, useBackend } from "@tessera-lm/backend";
import { inMemoryTokens, randomWindows } from "@tessera-lm/data";
import { createGpt2 } from "@tessera-lm/gpt";
import { parameters } from "@tessera-lm/layers";
import { adamw, chain, clipByGlobalNorm, nextToken, type TrainEvent, train } from "@tessera-lm/trainer";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { squareProduct } from "../peak.ts";
import { type Subject, serve } from "../serve.ts";
import type { TrainSettings } from "./cases.ts";

await serve(async () => {
  const settings = JSON.parse(process.argv[2] ?? "{}") as TrainSettings;
  const { name } = await useBackend(settings.backend as BackendName | undefined);
  return trainee(name, settings);
});

function trainee(name: string, { batchSize, checkpointing, ...settings }: TrainSettings): Subject {
  const model = createGpt2({ ...settings, bias: false }, 1);
  const trained = parameters(model);
  const steps = train({
    parameters: trained,
    objective: nextToken(model, { checkpointing }),
    batches: randomWindows(inMemoryTokens(randomIds(settings.vocabSize)), { ...settings, batchSize, seed: 1 }),
    optimizer: chain(clipByGlobalNorm(1), adamw({ learningRate: 1e-3, beta2: 0.99, weightDecay: 0.1 })),
    steps: 1_000_000,
  });
  return {
    name,
    async run(work) {
      if (work === "product") return squareProduct();
      const { value } = await steps.next();
      // An engine with a queue has done the step when a parameter can be read.
      await [...trained.values()].at(-1)?.data();
      return lossOf(value as TrainEvent);
    },
  };
}

function lossOf(event: TrainEvent): number {
  return event.type === "step-end" ? event.loss : Number.NaN;
}

function randomIds(vocabSize: number): Int32Array {
  const generator = xoroshiro128plus(1);
  return Int32Array.from({ length: 100_000 }, () => uniformInt(generator, 0, vocabSize - 1));
}
