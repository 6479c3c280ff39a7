/** Trains a GPT-2 in a process of its own and prints what came of it as JSON. Argument: {@link TrainingSettings}. */
import { createHash } from "node:crypto";
import { inMemoryTokens, randomWindows } from "@tessera-lm/data";
import { createGpt2, type Gpt2Config } from "@tessera-lm/gpt";
import { parameters } from "@tessera-lm/layers";
import { adamw, chain, clipByGlobalNorm, nextToken, train } from "@tessera-lm/trainer";
import { type BackendName, useBackend } from "../use-backend.ts";

export interface TrainingSettings {
  readonly backend: BackendName;
  readonly model: Gpt2Config;
  readonly batchSize: number;
  readonly steps: number;
}

export interface Training {
  readonly losses: readonly number[];
  /** SHA-256 of all parameters at the end. */
  readonly parameters: string;
}

async function run({ backend, model: config, batchSize, steps }: TrainingSettings): Promise<Training> {
  await useBackend(backend);
  const model = createGpt2(config, 1);
  const trained = parameters(model);
  const batches = randomWindows(tokens(config.vocabSize), { ...config, batchSize, seed: 1 });
  const optimizer = chain(clipByGlobalNorm(1), adamw({ learningRate: 1e-3, beta2: 0.99, weightDecay: 0.1 }));
  const losses: number[] = [];
  for await (const event of train({
    parameters: trained,
    objective: nextToken(model),
    batches,
    optimizer,
    steps,
    seed: 1,
  }))
    if (event.type === "step-end") losses.push(event.loss);
  const hash = createHash("sha256");
  for (const parameter of trained.values()) hash.update(await parameter.data());
  return { losses, parameters: hash.digest("hex") };
}

/** A text that can be learnt: each token follows from the one before, most of the time. */
function tokens(vocabSize: number): ReturnType<typeof inMemoryTokens> {
  const ids = [0];
  for (let i = 1; i < 10_000; i++) ids.push(((ids[i - 1] as number) * 3 + (i % 7 === 0 ? i : 1)) % vocabSize);
  return inMemoryTokens(ids);
}

console.log(JSON.stringify(await run(JSON.parse(process.argv[2] as string) as TrainingSettings)));
