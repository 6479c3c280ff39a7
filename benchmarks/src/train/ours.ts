/** Our side of the training benchmarks: steps, on command. Argument: {@link TrainSettings}. */
import { readFile } from "node:fs/promises";
import { type BackendName, useBackend } from "@tessera-lm/backend";
import { inMemoryTokens, randomWindows, slidingWindows } from "@tessera-lm/data";
import { evaluateLoss } from "@tessera-lm/eval";
import { createGpt2 } from "@tessera-lm/gpt";
import { parameters } from "@tessera-lm/layers";
import {
  adamw,
  chain,
  clipByGlobalNorm,
  nextToken,
  type Schedule,
  type TrainEvent,
  train,
  warmupCosine,
} from "@tessera-lm/trainer";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { squareProduct } from "../peak.ts";
import { type Subject, serve } from "../serve.ts";
import type { Course, TrainSettings } from "./cases.ts";

await serve(async () => {
  const settings = JSON.parse(process.argv[2] ?? "{}") as TrainSettings;
  const { name } = await useBackend(settings.backend as BackendName | undefined);
  const ids = settings.course === undefined ? randomIds(settings.vocabSize) : await readIds(settings.course);
  return trainee(name, settings, ids);
});

function trainee(name: string, { checkpointing, course, ...settings }: TrainSettings, ids: Int32Array): Subject {
  const { batchSize, contextLength } = settings;
  const model = createGpt2({ ...settings, bias: false }, 1);
  const trained = parameters(model);
  const training = inMemoryTokens(ids.subarray(0, course?.trainingTokens ?? ids.length));
  const validation = inMemoryTokens(ids.subarray(course?.trainingTokens ?? 0));
  const stride = Math.max(contextLength, Math.ceil((validation.length - contextLength) / (20 * batchSize)));
  const steps = train({
    parameters: trained,
    objective: nextToken(model, { checkpointing }),
    batches: randomWindows(training, { batchSize, contextLength, seed: 1 }),
    optimizer: chain(clipByGlobalNorm(1), adamw({ learningRate: learningRate(course), beta2: 0.99, weightDecay: 0.1 })),
    steps: 1_000_000,
  });
  return {
    name,
    async run(work) {
      if (work === "product") return squareProduct();
      if (work === "evaluate") {
        return (await evaluateLoss(model, slidingWindows(validation, { batchSize, contextLength, stride }))).loss;
      }
      const { value } = await steps.next();
      return lossOf(value as TrainEvent);
    },
    // An engine with a queue has done the last step when a parameter can be read.
    settle: async () => [...trained.values()].at(-1)?.data(),
  };
}

function learningRate(course: Course | undefined): number | Schedule {
  if (course === undefined) return 1e-3;
  return warmupCosine({ peak: course.learningRate, end: course.learningRate / 10, ...course });
}

function lossOf(event: TrainEvent): number {
  return event.type === "step-end" ? event.loss : Number.NaN;
}

async function readIds({ ids }: Course): Promise<Int32Array> {
  const bytes = await readFile(ids);
  return new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

function randomIds(vocabSize: number): Int32Array {
  const generator = xoroshiro128plus(1);
  return Int32Array.from({ length: 100_000 }, () => uniformInt(generator, 0, vocabSize - 1));
}
