import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { setBackend } from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TrainEvent } from "./events.ts";
import { collect, lossesOf, tinyModel, tinyRun, tinyStore } from "./testing/tiny-run.ts";
import { train } from "./train.ts";

const program = fileURLToPath(new URL("testing/endless-run.ts", import.meta.url));
const node = ["--conditions=@tessera-lm/source", "--import", "tsx"];
const LIVES = 3;

/** Trains in a process of its own and kills it at a random moment after its first checkpoint. */
async function liveAndDie(folder: string): Promise<TrainEvent[]> {
  const child = spawn(process.execPath, [...node, program, folder], { stdio: ["ignore", "pipe", "pipe"] });
  let complaints = "";
  child.stderr.on("data", (text) => {
    complaints += text;
  });
  const died = new Promise((resolve) => child.once("exit", (_code, signal) => resolve(signal)));
  const events: TrainEvent[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.endsWith("}")) break; // cut by the kill
    events.push(JSON.parse(line));
    if (events.length === 2) setTimeout(() => child.kill("SIGKILL"), Math.random() * 300);
  }
  expect(await died, complaints).toBe("SIGKILL");
  return events;
}

describe("a run that is killed again and again", () => {
  let folder = "";
  beforeAll(async () => {
    await setBackend("cpu");
    folder = await mkdtemp(join(tmpdir(), "tessera-kill-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("always goes on from its latest checkpoint, as if it had never stopped", { timeout: 120_000 }, async () => {
    const losses = new Map<number, number>();
    let saved = 0;
    for (let life = 0; life < LIVES; life++) {
      for (const event of await liveAndDie(folder)) {
        if (event.type === "checkpoint-saved") saved = event.step;
        if (event.type !== "step-end") continue;
        expect(event.loss, `step ${event.step} again`).toBe(losses.get(event.step) ?? event.loss);
        losses.set(event.step, event.loss);
      }
      const checkpoint = await tinyStore(tinyModel(), folder).load();
      expect(checkpoint.state.step).toBeGreaterThanOrEqual(saved);
      checkpoint.parameters.forEach((parameter) => parameter.dispose());
    }
    const steps = Math.max(...losses.keys());
    expect(steps).toBeGreaterThanOrEqual(LIVES);
    const whole = lossesOf(await collect(train({ ...tinyRun(), steps })));
    expect(losses).toEqual(whole);
    expect((await readdir(folder)).every((name) => /^step-\d{6}$/.test(name))).toBe(true);
  });
});
