import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { memory, tensor2d, tidy } from "@tensorflow/tfjs";
import { dispose, parameters } from "@tessera-lm/layers";
import type { StorageType } from "@tessera-lm/weights";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type FakeHub, fakeHub } from "../../weights/src/testing/fake-hub.ts";
import { createDecoder, type Decoder } from "./decoder.ts";
import { createEncoder } from "./encoder.ts";
import { ModelFileError } from "./errors.ts";
import { createGpt2, type Gpt2 } from "./gpt2.ts";
import { loadModel } from "./load-model.ts";
import { type QuantizedType, quantizeModel } from "./quantize-model.ts";
import { saveModel } from "./save-model.ts";
import { storedMatrices } from "./storable.ts";
import { inTemporaryFolder } from "./testing/reference.ts";

const size = { vocabSize: 40, contextLength: 16, numLayers: 2, numHeads: 2, width: 64 };
const tokens = tensor2d([1, 5, 39, 7], [1, 4], "int32");
const logits = (model: Gpt2 | Decoder): Float32Array => tidy(() => model.forward(tokens).dataSync<"float32">());

let hub: FakeHub;
beforeAll(async () => {
  hub = await fakeHub();
});
afterAll(() => hub.close());

const makers = {
  "GPT-2, whose weights are (in, out) in the file": () => createGpt2(size, 1),
  "Llama, whose weights are (out, in)": () => createDecoder({ ...size, feedForwardWidth: 96 }, 1),
};

test.each(Object.keys(makers).flatMap((name) => ["F16", "BF16", "Q8_0", "Q4_0"].map((type) => [name, type] as const)))(
  "%s, opened in %s is the model quantised",
  (name, type) =>
    inTemporaryFolder(async (folder) => {
      const before = memory().numTensors;
      const model = makers[name as keyof typeof makers]();
      await saveModel(model, folder);
      const loaded = await loadModel(folder, "decoder", { precision: type as StorageType });
      await quantizeModel(model, type as QuantizedType);
      expect([...storedMatrices(loaded).keys()]).toEqual([...storedMatrices(model).keys()]);
      expect([...parameters(loaded).keys()]).toEqual([...parameters(model).keys()]);
      expect(logits(loaded)).toEqual(logits(model));
      dispose([model, loaded]);
      expect(memory().numTensors).toBe(before);
    }),
);

test("encoders are opened in fewer bits, too", () =>
  inTemporaryFolder(async (folder) => {
    const model = createEncoder({ ...size, maskedHead: true }, 1);
    await saveModel(model, folder);
    const loaded = await loadModel(folder, "encoder", { precision: "Q8_0" });
    expect(storedMatrices(loaded).size).toBeGreaterThan(12);
    expect(tidy(() => loaded.forward(tokens)).shape).toEqual([1, 4, 40]);
    dispose([model, loaded]);
  }));

test("a name is opened from the hub, once it is there without it", () =>
  inTemporaryFolder(async (folder) => {
    const model = createGpt2(size, 1);
    await saveModel(model, join(folder, "model"));
    for (const name of ["config.json", "model.safetensors"]) {
      const bytes = await readFile(join(folder, "model", name));
      hub.files.set(name, { bytes, lfs: name.endsWith(".safetensors") });
    }
    const options = { endpoint: hub.endpoint, cacheFolder: join(folder, "cache") };
    const downloaded = await loadModel("owner/name", "decoder", options);
    const cached = await loadModel("owner/name", "decoder", { ...options, offline: true, precision: "Q8_0" });
    expect(logits(downloaded)).toEqual(logits(model));
    expect(storedMatrices(cached).size).toBe(9);
    await expect(loadModel("someone/else", "decoder", { ...options, offline: true })).rejects.toThrow(/someone\/else/);
    dispose([model, downloaded, cached]);
  }));

test.each(["./no/folder", "/no/folder", "a/b/c", "nothing"])(
  "%s is no name on the hub but a folder that is missing",
  async (place) => {
    await expect(loadModel(place)).rejects.toThrow(ModelFileError);
  },
);

test("a folder with nothing but a pickle is refused, with how to convert it", () =>
  inTemporaryFolder(async (folder) => {
    const model = createGpt2(size, 1);
    await saveModel(model, join(folder, "saved"));
    await writeFile(join(folder, "config.json"), await readFile(join(folder, "saved", "config.json")));
    const pickle = new URL("../../weights/src/fixtures/pickle-zip.bin", import.meta.url);
    await writeFile(join(folder, "pytorch_model.bin"), await readFile(pickle));
    await expect(loadModel(folder)).rejects.toThrow(/pytorch_model.bin is .*pickle.*safetensors/is);
    dispose(model);
  }));
