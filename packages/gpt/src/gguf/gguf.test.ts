import { existsSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { memory, tensor2d, tidy } from "@tensorflow/tfjs";
import { dispose, normal, parameters, randomGenerator } from "@tessera-lm/layers";
import type { GgufTensorToWrite, GgufValue, StorageType } from "@tessera-lm/weights";
import { openGgufFile, writeGgufFile } from "@tessera-lm/weights/node";
import { describe, expect, test } from "vitest";
import { createDecoder, type Decoder } from "../decoder/decoder.ts";
import type { DecoderConfig } from "../decoder/decoder-config.ts";
import { createGpt2, type Gpt2 } from "../decoder/gpt2.ts";
import { createEncoder } from "../encoder/encoder.ts";
import {
  ArgumentError,
  ConfigError,
  ModelFileError,
  TensorMismatchError,
  TokenizerMismatchError,
  UnsupportedModelError,
  WrongKindError,
} from "../errors.ts";
import { loadModel } from "../storage/load-model.ts";
import { quantizeModel } from "../storage/quantize-model.ts";
import { storedMatrices } from "../storage/storable.ts";
import { greatestDifference, inTemporaryFolder } from "../testing/reference.ts";
import { halvesFirst, neighboursFirst } from "./head-rows.ts";
import { loadGguf } from "./load-gguf.ts";
import { saveGguf } from "./save-gguf.ts";

const size = { vocabSize: 40, contextLength: 24, numLayers: 2, numHeads: 4, width: 64, feedForwardWidth: 96 };
const llama3 = {
  type: "llama3",
  factor: 8,
  lowFrequencyFactor: 1,
  highFrequencyFactor: 4,
  originalContextLength: 16,
} as const;
const yarn = { type: "yarn", factor: 4, originalContextLength: 16 } as const;
const makers: Record<string, () => Gpt2 | Decoder> = {
  "GPT-2": () => createGpt2({ ...size, endOfText: 3 }, 1),
  "GPT-2 without biases": () => createGpt2({ ...size, bias: false, layerNormEpsilon: 1e-6 }, 1),
  "GPT-2 with a head of its own": () => createGpt2({ ...size, feedForwardWidth: 96, tieEmbeddings: false }, 1),
  "Llama 2": () => createDecoder({ ...size, family: "llama", tieEmbeddings: true, beginOfText: 1, endOfText: 2 }, 1),
  "Llama 3": () =>
    createDecoder({ ...size, family: "llama", numKeyValueHeads: 2, ropeTheta: 500_000, ropeScaling: llama3 }, 1),
  "Llama with biases and wide heads": () =>
    createDecoder(
      { ...size, family: "llama", bias: true, headWidth: 32, ropeScaling: { type: "linear", factor: 2 } },
      1,
    ),
  "Llama with some biases": () =>
    createDecoder({ ...size, family: "llama", bias: true, feedForwardBias: false, tieEmbeddings: true }, 1),
  Qwen2: () =>
    createDecoder({ ...size, family: "qwen2", numKeyValueHeads: 1, queryKeyValueBias: true, ropeScaling: yarn }, 1),
};

/** A model in which no part is without effect. */
function made(name: string): Gpt2 | Decoder {
  const model = makers[name]();
  const random = randomGenerator(2);
  for (const parameter of parameters(model).values()) {
    const noise = normal(parameter.shape, 0.1, random);
    tidy(() => parameter.assign(parameter.add(noise)));
    noise.dispose();
  }
  return model;
}

const tokens = Array.from({ length: 20 }, (_, i) => (i * 7) % 40);
const logits = (model: Gpt2 | Decoder): Float32Array =>
  tidy(() => model.forward(tensor2d([tokens], [1, 20], "int32")).dataSync<"float32">());

test("the order of rows in llama.cpp and ours are each other's inverse, for numbers and for bytes", () => {
  const rows = Float32Array.from({ length: 16 }, (_, i) => i); // two heads of four rows of two numbers
  const turned = Float32Array.of(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15);
  expect(halvesFirst(rows, 8, 4)).toEqual(turned);
  const wide = Uint8Array.from({ length: 24 }, (_, i) => i); // one head of six rows: 0 2 4 1 3 5
  expect([...halvesFirst(wide, 6, 6)].filter((_, i) => i % 4 === 0)).toEqual([0, 8, 16, 4, 12, 20]);
  expect(neighboursFirst(halvesFirst(wide, 6, 6), 6, 6)).toEqual(wide);
});

describe.each(Object.keys(makers))("%s", (name) => {
  test("comes back from F32 as it was, to the last bit", () =>
    inTemporaryFolder(async (folder) => {
      const before = memory().numTensors;
      const model = made(name);
      const path = join(folder, "model.gguf");
      await saveGguf(model, path, { tokenizer: null });
      const { model: back } = await loadGguf(path);
      const { bias } = model.config;
      expect(back.config).toEqual({ ...model.config, ...(name.startsWith("GPT") && { bias: true }) });
      expect(logits(back)).toEqual(logits(model));
      if (bias) expect([...parameters(back).keys()]).toEqual([...parameters(model).keys()]);
      dispose([model, back]);
      expect(memory().numTensors).toBe(before);
    }));

  test.each<[StorageType, number]>([
    ["F16", 2e-2],
    ["BF16", 1e-1],
    ["Q8_0", 2e-1],
    ["Q4_0", 3],
  ])("in %s is kept as it is in the file, and written again byte for byte", (type, tolerance) =>
    inTemporaryFolder(async (folder) => {
      const model = made(name);
      const path = join(folder, "model.gguf");
      await saveGguf(model, path, { tokenizer: null, type, name: "m" });
      const { model: stored } = await loadGguf(path);
      const { model: unpacked } = await loadGguf(path, { unpack: true });
      expect([...storedMatrices(stored).values()].every(({ format }) => format === type)).toBe(true);
      expect(storedMatrices(unpacked).size).toBe(0);
      expect(greatestDifference(logits(stored), logits(unpacked))).toBeLessThan(1e-4);
      expect(greatestDifference(logits(stored), logits(model))).toBeLessThan(tolerance);
      await saveGguf(stored, join(folder, "again.gguf"), { tokenizer: null, name: "m" });
      expect(await readFile(join(folder, "again.gguf"))).toEqual(await readFile(path));
      await quantizeModel(model, type as Exclude<StorageType, "F32">);
      expect(logits(model)).toEqual(logits(stored));
      dispose([model, stored, unpacked]);
    }),
  );
});

test("tensors have llama.cpp's names, types and shapes; rows that are no whole blocks are F16", () =>
  inTemporaryFolder(async (folder) => {
    const model = createDecoder(
      { ...size, feedForwardWidth: 72, numKeyValueHeads: 2, family: "mistral", slidingWindow: 8 },
      1,
    );
    const path = join(folder, "tiny.gguf");
    await saveGguf(model, path, { tokenizer: null, type: "Q4_0" });
    const file = await openGgufFile(path);
    const described = [...file.entries].map(([name, { dtype, shape }]) => `${name} ${dtype} ${shape}`);
    expect(described.slice(0, 10)).toEqual([
      "token_embd.weight Q4_0 40,64",
      "blk.0.attn_norm.weight F32 64",
      "blk.0.attn_q.weight Q4_0 64,64",
      "blk.0.attn_k.weight Q4_0 32,64",
      "blk.0.attn_v.weight Q4_0 32,64",
      "blk.0.attn_output.weight Q4_0 64,64",
      "blk.0.ffn_norm.weight F32 64",
      "blk.0.ffn_gate.weight Q4_0 72,64",
      "blk.0.ffn_up.weight Q4_0 72,64",
      "blk.0.ffn_down.weight F16 64,72",
    ]);
    expect(described.slice(-2)).toEqual(["output_norm.weight F32 64", "output.weight Q4_0 40,64"]);
    const value = (key: string): unknown => file.metadata.get(key)?.value;
    expect(value("general.architecture")).toBe("llama");
    expect(value("general.file_type")).toBe(2);
    expect(value("llama.context_length")).toBe(8); // the window
    expect(value("llama.attention.head_count_kv")).toBe(2);
    expect(value("tokenizer.ggml.model")).toBe("none");
    expect(await readFile(join(folder, "tiny.Modelfile"), "utf8")).toBe(
      "FROM ./tiny.gguf\nPARAMETER num_ctx 8\nTEMPLATE {{ .Prompt }}\n",
    );
    await file.close();
    dispose(model);
  }));

test("a window that no layer has does not shorten the context", () =>
  inTemporaryFolder(async (folder) => {
    const path = join(folder, "model.gguf");
    const model = createDecoder({ ...size, slidingWindow: 8, fullAttentionLayers: [1, 0] }, 1);
    await saveGguf(model, path, { tokenizer: null });
    const { model: back } = await loadGguf(path);
    expect(back.config.contextLength).toBe(size.contextLength);
    expect(await readFile(join(folder, "model.Modelfile"), "utf8")).toContain(`num_ctx ${size.contextLength}\n`);
    dispose([model, back]);
  }));

test("a Modelfile that nobody has changed follows its model", () =>
  inTemporaryFolder(async (folder) => {
    const [path, beside] = [join(folder, "model.gguf"), join(folder, "model.Modelfile")];
    const models = [size.contextLength, 4, 6].map((contextLength) => createDecoder({ ...size, contextLength }, 1));
    const [first, second, third] = models as [Decoder, Decoder, Decoder];
    await saveGguf(first, path, { tokenizer: null });
    await saveGguf(second, path, { tokenizer: null });
    expect(await readFile(beside, "utf8")).toContain("num_ctx 4\n");
    const changed = `${await readFile(beside, "utf8")}SYSTEM careful work\n`;
    await writeFile(beside, changed);
    await saveGguf(third, path, { tokenizer: null });
    expect(await readFile(beside, "utf8")).toBe(changed);
    dispose(models);
  }));

test("each file has its own Modelfile, with quotes where its name has blanks; one that is there stays", () =>
  inTemporaryFolder(async (folder) => {
    const model = createDecoder(size, 1);
    const own = "FROM ./a.gguf\nSYSTEM careful work\n";
    for (const name of ["Modelfile", "a.Modelfile"]) await writeFile(join(folder, name), own);
    for (const name of ["a.gguf", "my model.gguf", "plain"])
      await saveGguf(model, join(folder, name), { tokenizer: null });
    for (const name of ["Modelfile", "a.Modelfile"]) expect(await readFile(join(folder, name), "utf8")).toBe(own);
    expect(await readFile(join(folder, "my model.Modelfile"), "utf8")).toMatch(/^FROM "\.\/my model\.gguf"\n/);
    expect(await readFile(join(folder, "plain.Modelfile"), "utf8")).toMatch(/^FROM \.\/plain\n/);
    dispose(model);
  }));

const list = (length: number): [string, GgufValue][] => [
  ["tokenizer.ggml.model", { type: "string", value: "llama" }],
  ["tokenizer.ggml.tokens", { type: "array", itemType: "string", value: Array.from({ length }, (_, i) => `t${i}`) }],
  ["tokenizer.ggml.token_type", { type: "array", itemType: "int32", value: Array.from({ length }, () => 1) }],
  ["tokenizer.chat_template", { type: "string", value: "{{ messages }}" }],
];

test("a tokenizer is filled up with unused tokens; one with too many, or none at all, is refused", () =>
  inTemporaryFolder(async (folder) => {
    const model = createDecoder({ ...size, beginOfText: 1, endOfText: [2, 3] }, 1);
    const path = join(folder, "model.gguf");
    await saveGguf(model, path, { tokenizer: list(38) });
    const { model: back, metadata } = await loadGguf(path);
    const last = (key: string): unknown => (metadata.get(key)?.value as unknown[]).slice(-3);
    expect(last("tokenizer.ggml.tokens")).toEqual(["t37", "[PAD38]", "[PAD39]"]);
    expect(last("tokenizer.ggml.token_type")).toEqual([1, 5, 5]);
    expect(metadata.get("tokenizer.ggml.eos_token_id")).toEqual({ type: "uint32", value: 2 });
    expect(await readFile(join(folder, "model.Modelfile"), "utf8")).not.toContain("TEMPLATE");
    const saved = await readFile(path);
    await expect(saveGguf(model, path, { tokenizer: list(41) })).rejects.toThrow(TokenizerMismatchError);
    await expect(saveGguf(model, path, { tokenizer: [] })).rejects.toThrow(/tokenizerToGguf/);
    expect(await readFile(path)).toEqual(saved); // nothing was lost
    dispose([model, back]);
  }));

test.each<[string, Partial<DecoderConfig>, RegExp]>([
  ["ALiBi", { positions: "alibi" }, /"tessera-decoder".*supported is "gpt2" or "llama"/],
  ["more ends of a text than there are keys for", { endOfText: [2, 7, 9, 11] }, /endOfText is \[2,7,9,11\]/],
  ["an attention factor", { ropeScaling: { ...yarn, attentionFactor: 1.5 } }, /attentionFactor is 1.5/],
  ["turns of YaRN's own", { ropeScaling: { ...yarn, betaFast: 16 } }, /betaFast is 16.*supported is 32/],
  [
    "factors in a Qwen2",
    { family: "qwen2", queryKeyValueBias: true, ropeScaling: llama3 },
    /ropeScaling.type of a Qwen2 is "llama3".*"linear" or "yarn"/,
  ],
])("a model with %s has no form in llama.cpp", async (_, change, message) => {
  const model = createDecoder({ ...size, ...change }, 1);
  await expect(saveGguf(model, "/nowhere/model.gguf", { tokenizer: null })).rejects.toThrow(message);
  dispose(model);
});

test("GPT-2 with the exact GELU has no form in llama.cpp, and a model with other parts is refused", async () => {
  const model = createGpt2({ ...size, activation: "gelu" }, 1);
  await expect(saveGguf(model, "/nowhere/model.gguf", { tokenizer: null })).rejects.toThrow(UnsupportedModelError);
  const adapted = createGpt2(size, 1);
  const { output } = adapted.blocks[0].attention;
  Object.assign(adapted.blocks[0].attention, { output: { base: output, forward: () => undefined } });
  await expect(saveGguf(adapted, "/nowhere/model.gguf", { tokenizer: null })).rejects.toThrow(
    /missing: blocks.0.attention.output.weight/,
  );
  dispose([model, adapted]);
});

test("a tokenizer is given, or said to be none", async () => {
  const model = createGpt2(size, 1);
  for (const options of [undefined, {}, { type: "Q8_0" }]) {
    const saving = saveGguf(model, "/nowhere/model.gguf", options as never);
    await expect(saving).rejects.toThrow(ArgumentError);
    await expect(saving).rejects.toThrow("{ tokenizer: tokenizerToGguf(tokenizer) }, or { tokenizer: null }");
  }
  dispose(model);
});

test("an encoder is refused by name", async () => {
  const encoder = createEncoder(size, 1);
  await expect(saveGguf(encoder as never, "/nowhere/model.gguf", { tokenizer: null })).rejects.toThrow(
    /the model is an Encoder; it must be a Gpt2 or a Decoder/,
  );
  dispose(encoder);
});

type Metadata = Map<string, GgufValue>;
type Tensors = Map<string, GgufTensorToWrite>;
const uint32 = (value: number): GgufValue => ({ type: "uint32", value });
const f32 = (
  shape: number[],
  data: Float32Array = new Float32Array(shape.reduce((a, b) => a * b)),
): GgufTensorToWrite => ({
  dtype: "F32",
  shape,
  data,
});
type ErrorClass = new (...args: never[]) => Error;

/** The path of a file that holds the model, but for a change. Disposes of the model. */
async function changedFile(
  folder: string,
  model: Gpt2 | Decoder,
  change: (metadata: Metadata, tensors: Tensors) => unknown,
): Promise<string> {
  const path = join(folder, "model.gguf");
  await saveGguf(model, path, { tokenizer: null });
  dispose(model);
  const file = await openGgufFile(path);
  const metadata = new Map(file.metadata);
  const tensors: Tensors = new Map();
  for (const [name, { shape }] of file.entries) tensors.set(name, f32([...shape], (await file.read(name)).data));
  await file.close();
  expect(change(metadata, tensors)).not.toBe(false);
  await writeGgufFile(path, tensors, metadata);
  return path;
}

test.each<[string, (metadata: Metadata, tensors: Tensors) => unknown, ErrorClass, RegExp]>([
  ["no architecture", (m) => m.delete("general.architecture"), ModelFileError, /general.architecture is missing/],
  [
    "an unknown one",
    (m) => m.set("general.architecture", { type: "string", value: "rwkv6" }),
    UnsupportedModelError,
    /"rwkv6".*"gpt2" or "llama" or "qwen2"/,
  ],
  ["a field missing", (m) => m.delete("llama.embedding_length"), ModelFileError, /llama.embedding_length is missing/],
  [
    "a list for a number",
    (m) => m.set("llama.feed_forward_length", { type: "array", itemType: "uint32", value: [96, 96] }),
    ModelFileError,
    /llama.feed_forward_length is a list/,
  ],
  [
    "absurd numbers",
    (m) => m.set("llama.block_count", uint32(2 ** 31)),
    TensorMismatchError,
    /2[01] tensors for 2147483648 layers/,
  ],
  [
    "another number of layers",
    (m) => m.set("llama.block_count", uint32(1)),
    TensorMismatchError,
    /unknown: blk.1.attn_norm.weight/,
  ],
  [
    "heads that do not divide",
    (m) => m.set("llama.attention.head_count", uint32(5)),
    Error,
    /length is 16|numHeads|width/,
  ],
  ["experts", (m) => m.set("llama.expert_count", uint32(8)), UnsupportedModelError, /expert_count is 8/],
  [
    "rotary positions in part of a head",
    (m) => m.set("llama.rope.dimension_count", uint32(8)),
    UnsupportedModelError,
    /rope.dimension_count is 8/,
  ],
  [
    "a scaling that is not known",
    (m) => {
      m.set("llama.rope.scaling.type", { type: "string", value: "longrope" });
      m.set("llama.rope.scaling.factor", uint32(2));
    },
    UnsupportedModelError,
    /longrope/,
  ],
  [
    "factors and YaRN",
    (m, t) => {
      m.set("llama.rope.scaling.type", { type: "string", value: "yarn" });
      t.set("rope_freqs.weight", f32([8], Float32Array.of(1, 2, 1, 2, 1, 2, 1, 3)));
    },
    UnsupportedModelError,
    /rope.scaling.type is "yarn with rope_freqs.weight"/,
  ],
  ["too few factors", (_, t) => t.set("rope_freqs.weight", f32([4])), ConfigError, /ropeScaling.factors.* 8 positive/],
  [
    "an attention factor",
    (m) => m.set("llama.rope.scaling.attn_factor", { type: "float32", value: 2 }),
    UnsupportedModelError,
    /attn_factor is 2/,
  ],
  [
    "no ε",
    (m) => m.set("llama.attention.layer_norm_rms_epsilon", { type: "float32", value: 0 }),
    ConfigError,
    /normEpsilon/,
  ],
  [
    "a tensor missing",
    (_, t) => t.delete("blk.1.ffn_up.weight"),
    TensorMismatchError,
    /missing: blk.1.ffn_up.weight \[96,64\]/,
  ],
  ["no embedding", (_, t) => t.delete("token_embd.weight"), TensorMismatchError, /missing: token_embd.weight/],
  [
    "one too many",
    (_, t) => t.set("blk.0.ffn_gate_inp.weight", f32([2, 64])),
    TensorMismatchError,
    /unknown: blk.0.ffn_gate_inp.weight/,
  ],
  [
    "one of another shape",
    (_, t) => t.set("blk.0.attn_k.weight", f32([32, 64])),
    TensorMismatchError,
    /blk.0.attn_k.weight is \[32,64\], expected \[64,64\]/,
  ],
  [
    "a tokenizer that does not fit",
    (m) => {
      for (const [key, value] of list(41)) m.set(key, value);
    },
    TokenizerMismatchError,
    /41 tokens and the model 40/,
  ],
])("a file with %s is named, and nothing stays in memory", (_, change, expected, message) =>
  inTemporaryFolder(async (folder) => {
    const path = await changedFile(folder, createDecoder(size, 1), change);
    const before = memory().numTensors;
    const error: unknown = await loadGguf(path).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(expected);
    expect((error as Error & { isTesseraError?: boolean }).isTesseraError).toBe(true);
    expect((error as Error).message).toMatch(message);
    expect(memory().numTensors).toBe(before);
  }),
);

const float32 = (value: number): GgufValue => ({ type: "float32", value });
const text = (value: string): GgufValue => ({ type: "string", value });
const factors = Float32Array.of(1, 1.5, 2, 2, 3, 4, 6, 8);

test.each<[string, (metadata: Metadata, tensors: Tensors) => unknown, DecoderConfig["ropeScaling"]]>([
  ["a factor without a type", (m) => m.set("llama.rope.scaling.factor", float32(4)), { type: "linear", factor: 4 }],
  ["the older key of a factor", (m) => m.set("llama.rope.scale_linear", float32(4)), { type: "linear", factor: 4 }],
  [
    "a factor, and the type none",
    (m) => m.set("llama.rope.scaling.factor", float32(4)).set("llama.rope.scaling.type", text("none")),
    undefined,
  ],
  ["a factor of 0, which is none", (m) => m.set("llama.rope.scaling.factor", float32(0)), undefined],
  [
    "factors of its own",
    (_, t) => t.set("rope_freqs.weight", f32([8], factors)),
    { type: "factors", factors: [...factors] },
  ],
  [
    "factors of its own and a linear one",
    (m, t) => {
      t.set("rope_freqs.weight", f32([8], factors));
      m.set("llama.rope.scaling.factor", float32(4)).set("llama.rope.scaling.type", text("linear"));
    },
    { type: "factors", factors: Array.from(factors, (factor) => 4 * factor) },
  ],
  [
    "YaRN without an original context",
    (m) => m.set("llama.rope.scaling.factor", float32(4)).set("llama.rope.scaling.type", text("yarn")),
    { type: "yarn", factor: 4, originalContextLength: 24 },
  ],
  [
    "YaRN with turns of its own, as the model had them",
    (m) => {
      m.set("llama.rope.scaling.factor", float32(4)).set("llama.rope.scaling.type", text("yarn"));
      m.set("llama.rope.scaling.yarn_beta_fast", float32(4)).set("llama.rope.scaling.yarn_beta_slow", float32(0.5));
    },
    { type: "yarn", factor: 4, originalContextLength: 24, betaFast: 4, betaSlow: 0.5 },
  ],
])("%s scales rotary positions as in llama.cpp", (_, change, ropeScaling) =>
  inTemporaryFolder(async (folder) => {
    const path = await changedFile(folder, createDecoder(size, 1), change);
    const { model } = await loadGguf(path);
    expect((model as Decoder).config.ropeScaling).toEqual(ropeScaling);
    const expected = createDecoder({ ...size, ropeScaling }, 1);
    expect(logits(model)).toEqual(logits(expected));
    dispose([model, expected]);
  }),
);

test("the tokens that end a turn and a message end a text, too", () =>
  inTemporaryFolder(async (folder) => {
    const model = createDecoder({ ...size, endOfText: 2 }, 1);
    const path = await changedFile(folder, model, (m) => {
      m.set("tokenizer.ggml.eot_token_id", uint32(5)).set("tokenizer.ggml.eom_token_id", uint32(2));
    });
    const { model: back } = await loadGguf(path);
    expect(back.stopTokens).toEqual([2, 5]);
    dispose(back);
  }));

test.each<[string, number | number[], Record<string, number>, number[]]>([
  ["one", 2, { eos: 2 }, [2]],
  ["two", [2, 7], { eos: 2, eot: 7 }, [2, 7]],
  ["three, one of which speaks of a message", [2, 5, 7], { eos: 2, eot: 7, eom: 5 }, [2, 7, 5]],
  ["three others", [2, 7, 9], { eos: 2, eot: 7, eom: 9 }, [2, 7, 9]],
  ["one twice", [2, 2], { eos: 2 }, [2]],
  ["three, one of them twice", [2, 7, 2, 9], { eos: 2, eot: 7, eom: 9 }, [2, 7, 9]],
])("the ends of a text are written and read back: %s", (_, endOfText, keys, stopTokens) =>
  inTemporaryFolder(async (folder) => {
    const model = createDecoder({ ...size, endOfText }, 1);
    const path = join(folder, "model.gguf");
    const tokenizer = new Map(list(40));
    const names = tokenizer.get("tokenizer.ggml.tokens")?.value as string[];
    names[5] = "<|eom_id|>";
    await saveGguf(model, path, { tokenizer });
    const { model: back, metadata } = await loadGguf(path);
    const written = ["bos", "eos", "eot", "eom"].flatMap((name) => {
      const value = metadata.get(`tokenizer.ggml.${name}_token_id`)?.value;
      return value === undefined ? [] : [[name, value]];
    });
    expect(Object.fromEntries(written)).toEqual(keys);
    expect(back.stopTokens).toEqual(stopTokens);
    await saveGguf(model, path, { tokenizer: null }); // without a tokenizer
    const { model: bare } = await loadGguf(path);
    expect(bare.stopTokens).toEqual([endOfText].flat().filter((id, i, all) => all.indexOf(id) === i));
    dispose([model, back, bare]);
  }),
);

test("a GPT-2 that carries a copy of its embedding as a head has a tied one; another head is its own", () =>
  inTemporaryFolder(async (folder) => {
    const table = (tensors: Tensors): Float32Array => (tensors.get("token_embd.weight") as { data: Float32Array }).data;
    const copied = await changedFile(folder, made("GPT-2"), (_, t) => t.set("output.weight", f32([40, 64], table(t))));
    const { model: tied } = await loadGguf(copied);
    const other = await changedFile(folder, made("GPT-2"), (_, t) => {
      t.set(
        "output.weight",
        f32(
          [40, 64],
          table(t).map((value) => 2 * value),
        ),
      );
    });
    const { model: untied } = await loadGguf(other);
    expect([tied.config.tieEmbeddings, untied.config.tieEmbeddings]).toEqual([true, false]);
    expect(logits(untied)).toEqual(logits(tied).map((logit) => 2 * logit));
    dispose([tied, untied]);
  }));

test.each([{ lowFrequencyFactor: 2 }, { originalContextLength: 6000 }, { originalContextLength: 65_536 }])(
  "a Llama 3 with the unusual scaling %j comes back",
  (unusual) =>
    inTemporaryFolder(async (folder) => {
      const ropeScaling = { ...llama3, originalContextLength: 8192, ...unusual };
      const model = createDecoder({ ...size, numHeads: 1, ropeScaling }, 1);
      await saveGguf(model, join(folder, "model.gguf"), { tokenizer: null });
      const { model: back } = await loadGguf(join(folder, "model.gguf"));
      expect(greatestDifference(logits(back), logits(model))).toBeLessThan(1e-6);
      await saveGguf(back, join(folder, "again.gguf"), { tokenizer: null, name: "model" });
      expect(await readFile(join(folder, "again.gguf"))).toEqual(await readFile(join(folder, "model.gguf")));
      dispose([model, back]);
    }),
);

test("loadModel knows a GGUF file, and says what else a file is", () =>
  inTemporaryFolder(async (folder) => {
    const path = join(folder, "weights"); // by its content, not by its name
    const model = made("Llama 3");
    await saveGguf(model, path, { tokenizer: null, type: "Q8_0" });
    const stored = await loadModel(path);
    const unpacked = await loadModel(path, "decoder", { precision: "F32" });
    expect([storedMatrices(stored).size, storedMatrices(unpacked).size]).toEqual([16, 0]);
    await expect(loadModel(path, "encoder")).rejects.toThrow(WrongKindError);
    await writeFile(join(folder, "other.gguf"), "no model");
    await expect(loadModel(join(folder, "other.gguf"))).rejects.toThrow(/GGUF/);
    dispose([model, stored, unpacked]);
  }));

/** A real model of llama2.c, outside the repository. */
const data = new URL("../../../../../shared/data/", import.meta.url);
test.skipIf(!existsSync(data)).each<StorageType>(["F32", "F16", "Q8_0"])(
  "stories260K in %s tells the reference's story",
  (type) =>
    inTemporaryFolder(async (folder) => {
      const model = await loadModel(fileURLToPath(new URL("weights/stories260K/hf_layout", data)));
      const path = join(folder, "stories260K.gguf");
      await saveGguf(model, path, { tokenizer: null, type });
      const back = await loadModel(path);
      const golden = JSON.parse(readFileSync(new URL("golden/stories260K_reference.json", data), "utf8"));
      const ids: number[] = golden.greedy_ids_200;
      const greedy = tidy(() =>
        back
          .forward(tensor2d([ids], [1, ids.length], "int32"))
          .as2D(ids.length, 512)
          .argMax(1)
          .dataSync(),
      );
      const same = ids.slice(1).filter((id, i) => greedy[i] === id).length;
      expect(same).toBeGreaterThanOrEqual(type === "Q8_0" ? 195 : 199);
      dispose([model, back]);
    }),
);
