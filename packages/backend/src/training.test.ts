import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { isPresent } from "./testing/on-backend.ts";
import type { Training, TrainingSettings } from "./testing/training.ts";

const STEPS = 20;

/** Small enough for the cpu backend, with all that a GPT-2 can have. */
const small = {
  model: { vocabSize: 65, contextLength: 16, numLayers: 2, numHeads: 2, width: 32, bias: true, dropout: 0.1 },
  batchSize: 3,
  steps: STEPS,
};

describe("training", { timeout: 120_000 }, () => {
  it("has cpu's losses on the engine", async () => {
    const [cpu, tessera, wasm] = await Promise.all([
      run({ ...small, backend: "cpu" }),
      run({ ...small, backend: "tessera" }),
      run({ ...small, backend: "tessera-wasm" }),
    ]);
    expectSameLosses(tessera, cpu);
    expectSameLosses(wasm, cpu);
    expect(cpu.losses.at(-1)).toBeLessThan((cpu.losses[0] as number) - 0.1);
  });

  it.for(["tensorflow", "webgpu"] as const)("has cpu's losses on %s", async (backend, { skip }) => {
    skip(!(await isPresent(backend)), `${backend} is not set up here`);
    const [cpu, other] = await Promise.all([run({ ...small, backend: "cpu" }), run({ ...small, backend })]);
    expectSameLosses(other, cpu);
  });
});

function expectSameLosses(actual: Training, expected: Training): void {
  expect(actual.losses).toHaveLength(STEPS);
  for (const [step, loss] of actual.losses.entries()) {
    expect(Math.abs(loss - (expected.losses[step] as number)), `step ${step + 1}`).toBeLessThan(1e-4);
  }
}

/** Trains in a process of its own: how many threads there are is settled when the engine starts. */
async function run(settings: TrainingSettings, threads?: number): Promise<Training> {
  const flags = ["--conditions=@tessera-lm/source", "--import", import.meta.resolve("tsx")];
  const program = fileURLToPath(new URL("./testing/training.ts", import.meta.url));
  const env = { ...process.env, ...(threads && { TESSERA_THREADS: String(threads) }) };
  const run = promisify(execFile)(process.execPath, [...flags, program, JSON.stringify(settings)], { env });
  return JSON.parse((await run).stdout) as Training;
}
