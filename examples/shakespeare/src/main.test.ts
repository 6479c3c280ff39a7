import { existsSync } from "node:fs";
import { appendFile, mkdir, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generatedPlays } from "../../common/src/generated-plays.ts";
import { type Ended, runExample, startExample, temporaryFolder } from "../../common/src/testing.ts";

let folder: string;
let data: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  data = join(folder, "plays.txt");
  await writeFile(data, generatedPlays(20_000, 3));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const runMainJob = (...args: readonly string[]): Promise<Ended> => runExample("shakespeare", ...args);

interface Event {
  readonly type: string;
  readonly step: number;
  readonly loss: number;
  readonly path: string;
}

const eventsOf = ({ stdout }: Ended): Event[] =>
  stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Event);

const losses = (events: readonly Event[]): [step: number, loss: number][] =>
  events.filter(({ type }) => type === "step-end").map(({ step, loss }) => [step, loss]);

describe("a run", { timeout: 240_000 }, () => {
  let whole: Event[];
  const train = ["--preset", "baby", "--steps", "24", "--json"];

  it("tells its events as JSON lines and leaves a checkpoint and a report", async () => {
    const out = join(folder, "whole");
    const ended = await runMainJob(...train, "--data", data, "--out", out);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    whole = eventsOf(ended);
    expect(losses(whole).map(([step]) => step)).toEqual(Array.from({ length: 24 }, (_, i) => i + 1));
    expect(whole.at(-1)).toMatchObject({
      type: "done",
      parameters: expect.any(Number),
      steps: 24,
      valLoss: expect.any(Number),
      medianStepMilliseconds: expect.any(Number),
      peakRssBytes: expect.any(Number),
      checkpoint: join(out, "checkpoints", "step-000024"),
      backend: expect.stringMatching(/^tessera/),
    });
    expect(new Set(whole.map(({ type }) => type))).toEqual(
      new Set(["step-end", "eval-end", "sample", "checkpoint-saved", "stopped", "done"]),
    );
    const files = await readdir(join(out, "checkpoints", "step-000024"));
    expect(files).toEqual(
      expect.arrayContaining(["config.json", "model.safetensors", "tokenizer.json", "trainer_state.json"]),
    );
    expect(await readFile(join(out, "report.html"), "utf8")).toContain("<h2>Samples</h2>");
  });

  it("that is stopped and resumed has the losses of the whole run, to the last bit", async () => {
    const out = join(folder, "stopped");
    const first = eventsOf(await runMainJob(...train, "--data", data, "--out", out, "--stop-after", "7"));
    const second = eventsOf(await runMainJob("--resume", "--json", "--out", out));
    expect(losses([...first, ...second])).toEqual(losses(whole));
    expect(second.at(-1)).toMatchObject({ type: "done", steps: 24 });
    const kept = (await readFile(join(out, "events.jsonl"), "utf8"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Event);
    expect(losses(kept)).toEqual(losses(whole));
  });

  it("that is killed goes on from its last checkpoint as if nothing had happened", async () => {
    const out = join(folder, "killed");
    const { child, ended } = startExample("shakespeare", [...train, "--data", data, "--out", out]);
    child.stdout?.on("data", (chunk) => String(chunk).includes('"step":13') && child.kill("SIGKILL"));
    await ended;
    const resumed = eventsOf(await runMainJob("--resume", "--json", "--out", out));
    const [firstStep] = losses(resumed)[0] as [number, number];
    expect(firstStep).toBeGreaterThan(1);
    expect(losses(resumed)).toEqual(losses(whole).slice(firstStep - 1));
  });

  it("that is interrupted saves, says how to go on, and ends as interrupted", async () => {
    const out = join(folder, "interrupted");
    const { child, ended } = startExample("shakespeare", ["--steps", "400", "--data", data, "--out", out]);
    const seen = new Promise<void>((resolve) =>
      child.stdout?.on("data", (chunk) => /step \d+\//.test(String(chunk)) && resolve()),
    );
    await seen;
    child.kill("SIGINT");
    const { code, stdout } = await ended;
    expect(code).toBe(130);
    expect(stdout).toMatch(/Stopped after step \d+\. Go on .*npm start -- --resume --out/);
    expect(await readdir(join(out, "checkpoints"))).toHaveLength(1);
  });

  it("has its folder to itself while it lasts", async () => {
    const out = join(folder, "busy");
    const { child, ended } = startExample("shakespeare", ["--steps", "400", "--data", data, "--out", out]);
    await new Promise<void>((resolve) => child.stdout?.on("data", () => resolve()));
    await refused(["--resume", "--out", out], new RegExp(`in use by process ${child.pid}`));
    child.kill("SIGKILL");
    await ended;
  });

  it("goes on although its log of events is damaged", async () => {
    const out = join(folder, "stopped");
    await appendFile(join(out, "events.jsonl"), 'garbage\n{"type":"st');
    expect(eventsOf(await runMainJob("--resume", "--json", "--out", out)).at(-1)).toMatchObject({ steps: 24 });
  });

  it("that was moved goes on with its text, wherever that is, and names its checkpoint where it is now", async () => {
    const [before, out] = [join(folder, "stopped"), join(folder, "moved")];
    await rename(before, out);
    const moved = join(folder, "moved.txt");
    await writeFile(moved, await readFile(data));
    const done = eventsOf(await runMainJob("--resume", "--json", "--out", out, "--data", moved)).at(-1);
    expect(done).toMatchObject({
      checkpoint: join(out, "checkpoints", "step-000024"),
      report: join(out, "report.html"),
    });
  });

  it("goes on with its text in another place, if it is the same", async () => {
    const [out, moved, other] = [join(folder, "whole"), join(folder, "moved.txt"), join(folder, "other.txt")];
    const lost = join(folder, "lost.txt");
    await writeFile(moved, await readFile(data));
    await writeFile(other, generatedPlays(20_000, 4));
    await refused(["--resume", "--data", lost, "--out", out], /lost\.txt, which .* does not exist.*--data/);
    await refused(["--resume", "--data", other, "--out", out], /other\.txt is not the text that the run learned from/);
    expect(await runMainJob("--resume", "--data", moved, "--json", "--out", out)).toMatchObject({
      code: 0,
      stderr: "",
    });
    expect(JSON.parse(await readFile(join(out, "run.json"), "utf8"))).toMatchObject({ data: moved, steps: 24 });
  });

  it("says when another backend computes the rest", async () => {
    const { stdout } = await runMainJob("--resume", "--backend", "tessera-wasm", "--out", join(folder, "whole"));
    const { backend } = JSON.parse(await readFile(join(folder, "whole", "run.json"), "utf8")) as { backend: string };
    const note = "on tessera-wasm its losses differ";
    if (backend === "tessera-wasm") expect(stdout).not.toContain(note);
    else expect(stdout).toContain(`The run began on ${backend}: ${note}`);
  });

  it("does not stop after a step that it has not, or has passed", async () => {
    const again = ["--resume", "--out", join(folder, "whole")];
    await refused([...again, "--stop-after", "99"], /has 24 steps: it cannot --stop-after 99/);
    await refused([...again, "--stop-after", "5"], /at step 24 already: it cannot --stop-after 5/);
  });

  it("that finds damage says which file and what can be done, and leaves everything as it is", async () => {
    const out = join(folder, "whole");
    const [older, newest] = (await readdir(join(out, "checkpoints"))).sort().slice(-2);
    await truncate(join(out, "checkpoints", newest ?? "", "model.safetensors"), 1000);
    await refused(
      ["--resume", "--out", out],
      new RegExp(`model\\.safetensors.*Remove the folder .*${newest}, and --resume goes on from ${older}`),
    );
    await rm(join(out, "checkpoints", newest ?? ""), { recursive: true });
    expect(losses(eventsOf(await runMainJob("--resume", "--json", "--out", out)))).toEqual(
      losses(whole).filter(([step]) => step > Number(older?.slice("step-".length))),
    );
    await truncate(join(out, "run.json"), 5);
    await refused(["--resume", "--out", out], /run\.json is damaged.*generate and finetune take it as --model .*step-/);
  });
});

/** Bad input: one line on standard error, exit code 1, nothing on standard output. */
async function refused(args: readonly string[], message: RegExp): Promise<void> {
  const { code, stdout, stderr } = await runMainJob(...args);
  expect(stderr).toMatch(message);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
}

describe("bad input", { timeout: 60_000 }, () => {
  const files = { "empty.txt": "", "short.txt": "To be", "binary.bin": Buffer.from([1, 0, 2, 255]) };
  beforeAll(() => Promise.all(Object.entries(files).map(([name, content]) => writeFile(join(folder, name), content))));

  it.each([
    ["a missing file", ["--data", "no-such-file.txt"], /no-such-file\.txt/],
    ["an empty file", ["--data", "empty.txt"], /empty/],
    ["a binary file", ["--data", "binary.bin"], /binary\.bin.*NUL/],
    ["a text shorter than one window", ["--data", "short.txt"], /too short/],
    ["a negative number of steps", ["--steps", "-1"], /--steps/],
    ["an unknown preset", ["--preset", "babby"], /Did you mean baby\?/],
    ["an unknown backend", ["--backend", "wsam"], /Did you mean wasm\?/],
    ["a backend unlike any", ["--backend", "foo"], /webgpu, wasm, cpu\.$/m],
    ["an unknown option", ["--stpes", "3"], /Did you mean --steps\?/],
  ])("%s", async (_, args, message) => {
    const out = join(folder, "refused");
    const inFolder = args.map((arg) => (arg in files ? join(folder, arg) : arg));
    await refused([...inFolder, "--out", out], message);
    expect(existsSync(out)).toBe(false);
  });

  it("an --out that is a file", async () => {
    await refused(["--data", data, "--out", data], /plays\.txt/);
    expect(await readFile(data, "utf8")).toBe(generatedPlays(20_000, 3));
  });

  it("an --out that holds a run, without --resume; and --resume with other settings, or without a run", async () => {
    const out = join(folder, "held");
    await mkdir(out);
    await writeFile(
      join(out, "run.json"),
      JSON.stringify({ preset: "baby", data, textSha256: "", steps: 8, seed: 1337 }),
    );
    await refused(["--data", data, "--out", out], /already holds a run; add --resume/);
    await refused(["--resume", "--steps", "9", "--out", out], /--steps 8, not 9/);
    await refused(["--resume", "--data", data, "--out", out], /is not the text that the run learned from/);
    await refused(["--resume", "--out", join(folder, "nothing")], /holds no run/);
    await mkdir(join(folder, "tuned", "merged"), { recursive: true });
    await refused(["--data", data, "--out", join(folder, "tuned")], /already holds a tuned model; choose another/);
  });
});
