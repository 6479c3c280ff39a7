import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

// One block whose three matrices of the feed-forward part are 64 MB each, and all the rest is small.
const [width, inner, vocabSize] = [128, 131_072, 64];
const float32 = (3 * 4 * width * inner) / 2 ** 20;
const shapes: Record<string, readonly number[]> = {
  "model.embed_tokens.weight": [vocabSize, width],
  "model.norm.weight": [width],
  "model.layers.0.input_layernorm.weight": [width],
  "model.layers.0.post_attention_layernorm.weight": [width],
  ...Object.fromEntries(
    ["q", "k", "v", "o"].map((name) => [`model.layers.0.self_attn.${name}_proj.weight`, [width, width]]),
  ),
  "model.layers.0.mlp.gate_proj.weight": [inner, width],
  "model.layers.0.mlp.up_proj.weight": [inner, width],
  "model.layers.0.mlp.down_proj.weight": [width, inner],
};
const config = {
  model_type: "llama",
  vocab_size: vocabSize,
  hidden_size: width,
  intermediate_size: inner,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  max_position_embeddings: 32,
  tie_word_embeddings: true,
};

/** What garbage that is not yet collected may take, and code that runs for the first time. */
const SLACK = 96;

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tessera-memory-"));
  for (const dtype of ["F32", "BF16"] as const) writeModel(join(folder, dtype), dtype);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A folder with these tensors, all of whose bytes are 3c: every number is 0.0115. */
function writeModel(place: string, dtype: "F32" | "BF16"): void {
  let end = 0;
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const start = end;
    end += shape.reduce((product, length) => product * length, dtype === "F32" ? 4 : 2);
    return [name, { dtype, shape, data_offsets: [start, end] }];
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(header.length));
  mkdirSync(place);
  writeFileSync(join(place, "model.safetensors"), Buffer.concat([prefix, header, Buffer.alloc(end, 0x3c)]));
  writeFileSync(join(place, "config.json"), JSON.stringify(config));
}

/** MB of memory that a process of its own takes at most for each of these steps, over what it took before the first. */
function peaksOf(...steps: string[]): number[] {
  const program = `
    import { readFileSync, writeFileSync } from "node:fs";
    import { useBackend } from "@tessera-lm/backend";
    import { quantizeModel } from "@tessera-lm/gpt";
    import { loadModel } from "@tessera-lm/gpt/node";
    await useBackend("tessera");
    const megabytes = (field) => Number(readFileSync("/proc/self/status", "utf8").match(field + ":\\\\s*(\\\\d+)")[1]) / 1024;
    const before = megabytes("VmRSS");
    ${steps.map((step) => `${step}; console.log(megabytes("VmHWM") - before);`).join("\n")}`;
  const args = ["--conditions=@tessera-lm/source", "--import", "tsx", "--input-type=module", "-e", program];
  const cwd = fileURLToPath(new URL(".", import.meta.url));
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { cwd, encoding: "utf8", timeout: 100_000 });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return stdout.trim().split("\n").map(Number);
}

const load = (dtype: string, precision: string): string =>
  `const model = await loadModel(${JSON.stringify(join(folder, dtype))}, "decoder", { precision: "${precision}" })`;

describe.runIf(process.platform === "linux")("the memory of a process", { timeout: 120_000 }, () => {
  it("that loads a model and quantises it holds the model and one matrix", () => {
    const [loaded, quantized] = peaksOf(load("F32", "F32"), `await quantizeModel(model, "Q8_0")`);
    expect(loaded).toBeGreaterThan(float32);
    expect(loaded).toBeLessThan(float32 + float32 / 3 + SLACK);
    expect(quantized).toBeLessThan(float32 + float32 / 3 + SLACK);
  });

  it("that loads a model in fewer bits never holds it in float32, nor a matrix of it", () => {
    const q8 = (34 / 128) * float32;
    const [loaded] = peaksOf(load("BF16", "Q8_0"));
    expect(loaded).toBeGreaterThan(q8);
    expect(loaded).toBeLessThan(q8 + q8 / 3 + SLACK);
  });
});
