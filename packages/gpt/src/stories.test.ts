import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tensor2d, tidy } from "@tensorflow/tfjs";
import { dispose, parameters } from "@tessera-lm/layers";
import { describe, expect, test } from "vitest";
import { createDecoder, type Decoder } from "./decoder/decoder.ts";
import type { Gpt2 } from "./decoder/gpt2.ts";
import { ConfigError, ModelFileError } from "./errors.ts";
import { generate } from "./generation/generate.ts";
import { loadLlama2c } from "./storage/load-llama2c.ts";
import { loadModel } from "./storage/load-model.ts";
import { collect } from "./testing/collect.ts";
import { greatestDifference, inTemporaryFolder } from "./testing/reference.ts";

/** A real model of llama2.c, outside the repository. */
const data = new URL("../../../../shared/data/", import.meta.url);
const path = (name: string): string => fileURLToPath(new URL(`weights/stories260K/${name}`, data));
const formats: [string, () => Promise<Gpt2 | Decoder>][] = [
  ["llama2.c's file", () => loadLlama2c(path("stories260K.bin"))],
  ["its Hugging Face folder", () => loadModel(path("hf_layout"))],
];

describe.skipIf(!existsSync(data)).each(formats)("stories260K from %s", (_, load) => {
  const golden = (): { greedy_ids_200: number[]; logits_first_33_positions: number[][] } =>
    JSON.parse(readFileSync(new URL("golden/stories260K_reference.json", data), "utf8"));

  test("tells the reference's story", async () => {
    const { greedy_ids_200: ids, logits_first_33_positions: logits } = golden();
    const model = await load();
    // One pass over the whole story: greedy is what the reference took at every place.
    const all = tidy(() => model.forward(tensor2d([ids], [1, ids.length], "int32")).as2D(ids.length, 512));
    const greedy = tidy(() => all.argMax(1).dataSync());
    expect(Array.from(greedy.slice(0, -1))).toEqual(ids.slice(1));
    expect(greatestDifference(all.dataSync().slice(0, 33 * 512), logits.flat())).toBeLessThan(1e-4);
    const story = await collect(generate(model, [1], { maxNewTokens: 40, temperature: 0 }));
    expect(story).toEqual(ids.slice(1, 41));
    all.dispose();
    dispose(model);
  });
});

/** A model in llama2.c's format. */
function encode(model: Decoder): Uint8Array {
  const { width, feedForwardWidth, numLayers, numHeads, numKeyValueHeads, headWidth, contextLength } = model.config;
  const { vocabSize, tieEmbeddings } = model.config;
  const own = parameters(model);
  const numbers: number[] = [];
  const put = (part: string, layers = numLayers): void => {
    for (let layer = 0; layer < layers; layer++) {
      const parameter = own.get(part.replace("*", String(layer)));
      if (parameter === undefined) throw new RangeError(part);
      const isLinear = parameter.rank === 2 && part.includes("*");
      const rows = tidy(() => (isLinear ? parameter.transpose() : parameter).as2D(-1, width).arraySync());
      if (/feedForward.down/.test(part)) numbers.push(...tidy(() => parameter.transpose().dataSync()));
      else if (!/query|key/.test(part)) numbers.push(...rows.flat());
      else {
        for (let row = 0; row < rows.length; row++) {
          const place = row % headWidth;
          numbers.push(...rows[row - place + (place % 2) * (headWidth / 2) + Math.floor(place / 2)]);
        }
      }
    }
  };
  put("tokenEmbedding.weight", 1);
  put("blocks.*.attentionNorm.scale");
  for (const part of ["query", "key", "value", "output"]) put(`blocks.*.attention.${part}.weight`);
  put("blocks.*.feedForwardNorm.scale");
  for (const part of ["gate", "down", "up"]) put(`blocks.*.feedForward.${part}.weight`);
  put("finalNorm.scale", 1);
  numbers.push(...new Array<number>(contextLength * headWidth).fill(7));
  if (!tieEmbeddings) put("head.weight", 1);
  const sizes = [width, feedForwardWidth, numLayers, numHeads, numKeyValueHeads];
  const header = Int32Array.from([...sizes, tieEmbeddings ? vocabSize : -vocabSize, contextLength]);
  return Buffer.concat([Buffer.from(header.buffer), Buffer.from(Float32Array.from(numbers).buffer)]);
}

const tiny = { vocabSize: 7, contextLength: 5, numLayers: 2, numHeads: 4, numKeyValueHeads: 2, width: 16 };

test.each([true, false])("a model in llama2.c's format comes back as it was (tied: %s)", (tieEmbeddings) =>
  inTemporaryFolder(async (folder) => {
    const model = createDecoder({ ...tiny, tieEmbeddings }, 3);
    const file = join(folder, "model.bin");
    await writeFile(file, encode(model));
    const loaded = await loadLlama2c(file);
    expect(loaded.config).toEqual({ ...model.config, family: "llama", beginOfText: 1, endOfText: 2 });
    const values = (of: object): unknown => [...parameters(of)].map(([name, value]) => [name, value.dataSync()]);
    expect(values(loaded)).toEqual(values(model));
    dispose([model, loaded]);
  }),
);

test("a file that is cut short, empty, newer, or of absurd sizes is named", () =>
  inTemporaryFolder(async (folder) => {
    const model = createDecoder(tiny, 3);
    const bytes = encode(model);
    dispose(model);
    const file = join(folder, "model.bin");
    const load = async (change: (bytes: Uint8Array) => Uint8Array): Promise<unknown> => {
      await writeFile(file, change(new Uint8Array(bytes)));
      return loadLlama2c(file).catch((error: unknown) => error);
    };
    const withInt = (index: number, value: number) => (of: Uint8Array) => {
      new DataView(of.buffer).setInt32(4 * index, value, true);
      return of;
    };
    expect(await load((of) => of.subarray(0, -4))).toBeInstanceOf(ModelFileError);
    expect(await load((of) => of.subarray(0, 20))).toBeInstanceOf(ModelFileError);
    expect(String(await load(withInt(0, 0x616b3432)))).toContain("newer format");
    expect(String(await load(withInt(2, 1)))).toMatch(/those of 1 layers.*cut short, or of another format/s);
    expect(await load(withInt(3, 3))).toBeInstanceOf(ConfigError);
    expect(await load(withInt(4, -1))).toBeInstanceOf(ConfigError);
    expect(await load(withInt(2, 2 ** 30))).toBeInstanceOf(ModelFileError);
  }));
