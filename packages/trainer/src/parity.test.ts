import { readFileSync } from "node:fs";
import { setBackend } from "@tensorflow/tfjs";
import { loadModel } from "@tessera-lm/gpt/node";
import { parameters } from "@tessera-lm/layers";
import { beforeAll, describe, expect, it } from "vitest";
import type { StepEnd } from "./events.ts";
import { nextToken } from "./objective.ts";
import { adamw } from "./optimizers/adamw.ts";
import { chain } from "./optimizers/chain.ts";
import { clipByGlobalNorm } from "./optimizers/clip-by-global-norm.ts";
import type { Optimizer } from "./optimizers/optimizer.ts";
import { sgd } from "./optimizers/sgd.ts";
import { warmupCosine } from "./schedules.ts";
import { collect, type TinyBatch } from "./testing/tiny-run.ts";
import { train } from "./train.ts";

interface Reference {
  losses: number[];
  gradientNorms: number[];
  learningRates: number[];
}
interface Fixture {
  shape: [rows: number, time: number];
  inputs: number[][];
  targets: number[][];
  adamw: Reference;
  sgd: Reference;
}

const fixtures = new URL("./fixtures/", import.meta.url);
const fixture: Fixture = JSON.parse(readFileSync(new URL("parity.json", fixtures), "utf8"));
const learningRate = warmupCosine({ peak: 1e-2, end: 1e-3, warmupSteps: 5, steps: 20 });
const adamwAsInPython = () => chain(clipByGlobalNorm(1), adamw({ learningRate, beta2: 0.99, weightDecay: 0.1 }));

/** The fixture's batches, each cut into micro-batches of the given numbers of rows. */
function batchesOf(rows: readonly number[]): TinyBatch[] {
  const time = fixture.shape[1];
  return fixture.inputs.flatMap((inputs, step) => {
    let first = 0;
    return rows.map((count) => {
      const [begin, end] = [first * time, (first + count) * time];
      first += count;
      const cut = (values: number[]) => Int32Array.from(values.slice(begin, end));
      return { inputs: cut(inputs), targets: cut(fixture.targets[step]), shape: [count, time] as const };
    });
  });
}

async function run(optimizer: Optimizer, rows: readonly number[]): Promise<Reference> {
  const model = await loadModel(new URL("tiny-gpt2", fixtures).pathname);
  const batches = { [Symbol.iterator]: () => batchesOf(rows).values(), state: () => ({}), restore: () => {} };
  const options = { parameters: parameters(model), objective: nextToken(model), batches, optimizer };
  const events = await collect(train({ ...options, steps: 20, accumulate: rows.length }));
  const steps = events.filter((event): event is StepEnd => event.type === "step-end");
  return {
    losses: steps.map((step) => step.loss),
    gradientNorms: steps.map((step) => step.gradientNorm),
    learningRates: steps.map((step) => step.learningRate),
  };
}

function expectClose(ours: Reference, reference: Reference): void {
  for (const key of ["losses", "gradientNorms", "learningRates"] as const) {
    const differences = reference[key].map((value, i) => Math.abs(ours[key][i] - value));
    expect(Math.max(...differences), key).toBeLessThan(1e-4);
  }
}

describe("twenty steps beside PyTorch", { timeout: 60_000 }, () => {
  beforeAll(() => setBackend("cpu"));

  it("AdamW with clipping, decay groups, warmup and cosine", async () => {
    expectClose(await run(adamwAsInPython(), [6]), fixture.adamw);
  });

  it("the same from micro-batches of unequal size and unequal numbers of targets", async () => {
    expectClose(await run(adamwAsInPython(), [2, 1, 3]), fixture.adamw);
  });

  it("SGD with momentum", async () => {
    expectClose(await run(sgd({ learningRate, momentum: 0.9 }), [6]), fixture.sgd);
  });

  it("tells other settings apart", async () => {
    const everythingDecays = adamw({ learningRate, beta2: 0.99, weightDecay: 0.1, decays: () => true });
    const { losses } = await run(chain(clipByGlobalNorm(1), everythingDecays), [6]);
    expect(Math.max(...losses.map((loss, i) => Math.abs(loss - fixture.adamw.losses[i])))).toBeGreaterThan(1e-4);
  });
});
