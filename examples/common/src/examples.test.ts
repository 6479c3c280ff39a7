import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createGpt2 } from "@tessera-lm/gpt";
import { saveGguf, saveModel } from "@tessera-lm/gpt/node";
import { tokenizerToGguf } from "@tessera-lm/tokenizer/gguf";
import { loadTokenizer, saveTokenizer } from "@tessera-lm/tokenizer/node";
import { trainBytePair } from "@tessera-lm/tokenizer/train";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generatedPlays } from "./generated-plays.ts";
import { runExample, startExample, temporaryFolder, tinyModelFolder } from "./testing.ts";

let folder: string;
let model: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  model = await tinyModelFolder(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("generate", { timeout: 60_000 }, () => {
  it("continues a prompt, the same way for the same seed", async () => {
    const args = ["--model", model, "--prompt", "To be", "--tokens", "20", "--seed", "7"];
    const [first, second] = [await runExample("generate", ...args), await runExample("generate", ...args)];
    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect(first.stdout).toMatch(/^To be[\s\S]{20}\n$/);
    expect(second.stdout).toBe(first.stdout);
  });

  it("says in one line where a model is missing", async () => {
    const { code, stderr } = await runExample("generate", "--model", folder, "--prompt", "x");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: .* holds no model.*npm start.*\n$/);
  });

  it("says in one line that a file is no model of its own", async () => {
    const file = join(folder, "stories.bin");
    await writeFile(file, "no GGUF");
    const { code, stderr } = await runExample("generate", "--model", file, "--prompt", "x");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: .*stories\.bin is a file .*loadLlama2c.*\n$/);
  });
});

describe("generate with what cannot be", { timeout: 60_000 }, () => {
  const generate = (...args: string[]): ReturnType<typeof runExample> =>
    runExample("generate", "--model", model, "--tokens", "3", ...args);

  it.each([
    ["--top-p", "2", "at most 1"],
    ["--repetition-penalty", "0", "above 0"],
  ])("names %s %s before it writes anything", async (option, value, problem) => {
    const { code, stdout, stderr } = await generate("--prompt", "To be", option, value);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(new RegExp(`^error: option '${option} [^\n]*${problem}\\.\n$`));
  });

  it("says which characters the model passes over", async () => {
    const { code, stdout, stderr } = await generate("--prompt", "To 漢 be");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "The model does not know 漢 and passes over it.\n" });
    expect(stdout).toMatch(/^To 漢 be/);
    expect((await generate("--prompt", "漢")).stderr).toMatch(/^error: The model knows none of the characters/);
  });

  it("says in a line of its own that the weights are no numbers", async () => {
    const spoilt = join(folder, "spoilt");
    const config = { vocabSize: 96, contextLength: 32, numLayers: 1, numHeads: 2, width: 16 };
    const broken = createGpt2(config, 1);
    broken.finalNorm.scale.assign(broken.finalNorm.scale.mul(Number.NaN));
    await saveModel(broken, spoilt);
    await saveTokenizer(await loadTokenizer(model), spoilt);
    const { code, stdout, stderr } = await runExample("generate", "--model", spoilt, "--prompt", "To be");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "To be\n" });
    expect(stderr).toMatch(/^error: [^\n]*weights are damaged, or its training diverged\.\n$/);
  });
});

describe("generate from other places", { timeout: 60_000 }, () => {
  const generate = (place: string): ReturnType<typeof runExample> =>
    runExample("generate", "--model", place, "--prompt", "To be", "--tokens", "20", "--seed", "7");

  it("continues a prompt with a GGUF file, as with its folder", async () => {
    const file = join(folder, "tiny.gguf");
    const tokenizer = trainBytePair(["to be or not to be"], { vocabSize: 260 });
    const config = { vocabSize: 260, contextLength: 32, numLayers: 1, numHeads: 2, width: 16 };
    await saveGguf(createGpt2(config, 1), file, { tokenizer: tokenizerToGguf(tokenizer) });
    await saveModel(createGpt2(config, 1), join(folder, "same"));
    await saveTokenizer(tokenizer, join(folder, "same"));
    const [fromFile, fromFolder] = [await generate(file), await generate(join(folder, "same"))];
    expect(fromFile).toMatchObject({ code: 0, stderr: "" });
    expect(fromFile.stdout).toMatch(/^To be/);
    expect(fromFile.stdout).toBe(fromFolder.stdout);
  });

  it("says in one line what a place lacks", async () => {
    const config = { vocabSize: 260, contextLength: 32, numLayers: 1, numHeads: 2, width: 16 };
    await saveGguf(createGpt2(config, 1), join(folder, "bare.gguf"), { tokenizer: null });
    await saveModel(createGpt2(config, 1), join(folder, "bare"));
    await writeFile(join(folder, "damaged.gguf"), "GGUF");
    const problems = {
      "bare.gguf": /bare\.gguf holds a model without its tokenizer/,
      bare: /bare: the folder holds no tokenizer; expected tokenizer\.json/,
      "damaged.gguf": /damaged\.gguf.*The file is damaged/,
      "nowhere.gguf": /nowhere\.gguf does not exist/,
    };
    for (const [place, problem] of Object.entries(problems)) {
      const { code, stdout, stderr } = await generate(join(folder, place));
      expect({ place, code, stdout }).toEqual({ place, code: 1, stdout: "" });
      expect(stderr).toMatch(problem);
      expect(stderr).toMatch(/^error: [^\n]*\n$/);
    }
  });
});

describe("finetune", { timeout: 120_000 }, () => {
  it("teaches a second text, and leaves an adapter and a merged model", async () => {
    // Two files of one name: the report must tell them apart.
    await mkdir(join(folder, "second"));
    const [before, data] = [join(folder, "text.txt"), join(folder, "second", "text.txt")];
    await writeFile(before, generatedPlays(3000, 1));
    await writeFile(data, "abcdefgh ".repeat(400));
    const out = join(folder, "tuned");
    const options = ["--before", before, "--data", data, "--out", out, "--steps", "30", "--learning-rate", "0.03"];
    const { code, stdout, stderr } = await runExample("finetune", "--model", model, ...options);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const perplexities = [...stdout.matchAll(/perplexity +([\d.]+)/g)].map(([, value]) => Number(value));
    expect(perplexities).toHaveLength(4);
    expect(perplexities[3]).toBeLessThan(0.95 * perplexities[1]);
    expect(await readdir(join(out, "adapter"))).toEqual(["adapter_config.json", "adapter_model.safetensors"]);
    expect((await runExample("generate", "--model", join(out, "merged"), "--prompt", "a", "--tokens", "3")).code).toBe(
      0,
    );
    const again = await runExample("finetune", "--model", model, ...options);
    expect(again).toMatchObject({ code: 1, stdout: "" });
    expect(again.stderr).toMatch(/^error: .*tuned already holds a tuned model; choose another --out\.\n$/);
  });

  it("leaves no folder when it diverges, and says what helps", async () => {
    const data = join(folder, "diverging.txt");
    await writeFile(data, "abcdefgh ".repeat(400));
    const out = join(folder, "diverged");
    const options = ["--before", data, "--data", data, "--out", out, "--steps", "5", "--learning-rate", "1e30"];
    const { code, stderr } = await runExample("finetune", "--model", model, ...options);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: Step \d: the loss is [^\n]*lower --learning-rate[^\n]*\n$/);
    expect(stderr).not.toContain("checkpoint");
    expect(existsSync(out)).toBe(false);
  });
});

describe("families", { timeout: 120_000 }, () => {
  it("trains a model of each kind, and every loss falls", async () => {
    const data = join(folder, "families.txt");
    await writeFile(data, generatedPlays(3000, 1));
    const { code, stdout } = await runExample("families", "--data", data, "--steps", "30");
    expect(code).toBe(0);
    const losses = [...stdout.matchAll(/loss ([\d.]+)/g)].map(([, loss]) => Number(loss));
    expect(losses).toHaveLength(3 * 7);
    for (const first of [0, 7, 14]) expect(losses[first + 6]).toBeLessThan(0.95 * losses[first]);
  });

  it("ends at Ctrl-C without another word", async () => {
    const data = join(folder, "families.txt");
    await writeFile(data, generatedPlays(3000, 1));
    const { child, ended } = startExample("families", ["--data", data, "--steps", "100000"]);
    await new Promise<void>((resolve) => child.stdout?.on("data", (text) => /step 1\//.test(text) && resolve()));
    child.kill("SIGINT");
    const { code, stdout, stderr } = await ended;
    expect({ code, stderr }).toEqual({ code: 130, stderr: "" });
    expect(stdout).toMatch(/A decoder[^\n]*\nstep 1\/100000 {2}loss [\d.]+\n$/); // neither of the other two
  });
});

describe("tokenizer", { timeout: 120_000 }, () => {
  it("shows a text as tokens, in the terminal and as a page with a chart", async () => {
    const data = join(folder, "learned.txt");
    await writeFile(data, "the cat and the hat ".repeat(50));
    const out = join(folder, "pages", "tokens.html");
    const { code, stdout, stderr } = await runExample("tokenizer", "the <hat>\u200b é", "--data", data, "--out", out);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("the|·|<|hat|>|⟨200B⟩|·|é\n");
    const page = await readFile(out, "utf8");
    expect(page).toContain(">hat</span>");
    expect(page).toContain('data-bytes="c3 a9">é</span>');
    expect(page).toMatch(/<title>German, learned here, \d+: [\d.]+ tokens<\/title>/);
    expect(page).not.toMatch(/<(script|link|img)[^>]+(src|href)=/); // nothing beside itself
  });

  it("passes over a vocabulary that is no tokenizer, and says why", async () => {
    const vocabularies = join(folder, "vocabularies");
    await mkdir(vocabularies);
    await writeFile(join(vocabularies, "broken.tiktoken"), "YQ== 0\nYg== x\n");
    const data = join(folder, "learned.txt");
    await writeFile(data, "the cat and the hat ".repeat(50));
    const options = ["--data", data, "--vocabularies", vocabularies, "--out", join(folder, "pages", "more.html")];
    const { code, stdout } = await runExample("tokenizer", "the hat", ...options);
    expect(code).toBe(0);
    expect(stdout).toContain("passed over broken: Unsupported file");
  });

  it("says in one line what is wrong with its options", async () => {
    const empty = join(folder, "empty.txt");
    await writeFile(empty, "");
    const wrong: [args: string[], message: RegExp][] = [
      [["x", "--vocabularies", join(folder, "nowhere")], /nowhere is not a folder/],
      [["x", "--languages", join(folder, "nowhere")], /nowhere is not a folder that can be read; .*language/],
      [["x", "--file", empty], /There are two texts/],
      [["--file", empty], /empty\.txt is empty; name a file/],
      [["x", "--train", empty], /leave the other text out/],
      [["--vocab-size", "300"], /goes with --train/],
    ];
    for (const [args, message] of wrong) {
      const { code, stdout, stderr } = await runExample("tokenizer", ...args);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(/^error: .*\n$/);
      expect(stderr).toMatch(message);
    }
  });

  it("learns a vocabulary and saves it", async () => {
    const data = join(folder, "learned.txt");
    await writeFile(data, "the cat and the hat ".repeat(50));
    const out = join(folder, "vocabulary");
    const { code, stdout, stderr } = await runExample(
      "tokenizer",
      "--train",
      data,
      "--vocab-size",
      "262",
      "--out",
      out,
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^262 tokens learned, of \d\.\d\d bytes in this text\.\nSaved in /);
    expect((await loadTokenizer(out)).vocabSize).toBe(262);
  });
});

describe("inspect", { timeout: 60_000 }, () => {
  it("writes a page on what a model makes of a text, as much of it as it can read", async () => {
    const out = join(folder, "pages", "inspect.html");
    const { code, stdout, stderr } = await runExample("inspect", "To <be>. ".repeat(5), "--model", model, "--out", out);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^ {2}blocks\.0 +Block/m);
    expect(stdout).toContain("The model reads 32 tokens; the other 13 are left out.");
    expect(await readFile(out, "utf8")).toContain("<h1>tiny</h1>");
  });

  it.skipIf(process.platform !== "linux")("says in one line where a page cannot be", async () => {
    const { code, stderr } = await runExample("inspect", "To be", "--model", model, "--out", "/proc/no/page.html");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: .*\/proc\/no\/page\.html.*choose another folder.*\n$/);
  });
});

describe("plan", { timeout: 60_000 }, () => {
  it("plans for a preset and for a folder, with this machine's speed", async () => {
    const preset = await runExample("plan", "gpt2-xl");
    expect(preset).toMatchObject({ code: 0, stderr: "" });
    expect(preset.stdout).toMatch(/^gpt2-xl: 1,557,611,200 parameters$/m);
    expect(preset.stdout).toMatch(/^this machine \(tessera(-wasm)?\) +[\d.]+ GFLOP\/s/m);
    const own = await runExample("plan", "--config", model, "--batch-size", "2");
    expect(own.stdout).toMatch(/Training on 2 texts of 32 tokens/);
  });

  it("says in one line which presets there are", async () => {
    const { code, stderr } = await runExample("plan", "gpt5");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: There is no preset "gpt5"; choose one of baby, .*\n$/);
  });
});

describe("mmlu", { timeout: 60_000 }, () => {
  it("scores subjects and groups, and says that prompts did not fit", async () => {
    for (const part of ["dev", "test"]) {
      await mkdir(join(folder, "mmlu", part), { recursive: true });
      const question = '"Which letter, of these?",one,two,three,four,B\n';
      await writeFile(join(folder, "mmlu", part, `anatomy_${part}.csv`), question.repeat(5));
    }
    const { code, stdout } = await runExample("mmlu", "--model", model, "--data", join(folder, "mmlu"), "--json");
    expect(code).toBe(0);
    const scores = JSON.parse(stdout) as Record<string, { count: number }>;
    expect(Object.entries(scores).map(([name, { count }]) => [name, count])).toEqual([
      ["anatomy", 5],
      ["stem", 5],
      ["all", 5],
    ]);
  });

  it("says what a missing folder should hold", async () => {
    const { code, stderr } = await runExample("mmlu", "--model", model, "--data", join(folder, "nowhere"));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: [^\n]*nowhere[^\n]*: not found; [^\n]*dev and test[^\n]*\n$/);
  });

  it("names the file and line of a broken question", async () => {
    const file = join(folder, "mmlu", "test", "anatomy_test.csv");
    await writeFile(file, `${await readFile(file, "utf8")}only,three,columns\n`);
    const { code, stderr } = await runExample("mmlu", "--model", model, "--data", join(folder, "mmlu"));
    expect(code).toBe(1);
    expect(stderr).toMatch(/anatomy_test\.csv.*6/);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});
