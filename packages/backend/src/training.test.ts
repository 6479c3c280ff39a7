import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { engines, hasAddon } from "./testing/engines.ts";
import { isPresent } from "./testing/on-backend.ts";
import type { Training, TrainingSettings } from "./testing/training.ts";

const STEPS = 20;

/** nanoGPT's CPU settings, as in the Shakespeare example. */
const baby = {
  model: { vocabSize: 65, contextLength: 64, numLayers: 4, numHeads: 4, width: 128, bias: false },
  batchSize: 12,
  steps: STEPS,
};
/** The same in small, for the cpu backend, and with all that baby leaves out. */
const small = {
  model: { vocabSize: 65, contextLength: 16, numLayers: 2, numHeads: 2, width: 32, bias: true, dropout: 0.1 },
  batchSize: 3,
  steps: STEPS,
};

describe("training", { timeout: 120_000 }, () => {
  it("has cpu's losses on the engine", async () => {
    const runs = (["cpu", ...engines] as const).map((backend) => run({ ...small, backend }));
    const [cpu, ...others] = (await Promise.all(runs)) as [Training, ...Training[]];
    for (const other of others) expectSameLosses(other, cpu);
    expect(cpu.losses.at(-1)).toBeLessThan((cpu.losses[0] as number) - 0.1);
  });

  it.for(["tensorflow", "webgpu"] as const)("has cpu's losses on %s", async (backend, { skip }) => {
    skip(!(await isPresent(backend)), `${backend} is not set up here`);
    const [cpu, other] = await Promise.all([run({ ...small, backend: "cpu" }), run({ ...small, backend })]);
    expectSameLosses(other, cpu);
  });

  it.skipIf(!hasAddon)(
    "is the same bit for bit, however many threads there are, and up to rounding in WebAssembly",
    async () => {
      const settings = { ...baby, backend: "tessera" } as const;
      const [one, two, again, wasm] = await Promise.all([
        run(settings, 1),
        run(settings, 2),
        run(settings, 2),
        run({ ...baby, backend: "tessera-wasm" }),
      ]);
      expect(two).toEqual(one);
      expect(again).toEqual(one);
      expectSameLosses(wasm, one);
    },
  );
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
