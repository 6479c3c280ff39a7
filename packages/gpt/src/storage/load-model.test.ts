import { execFileSync } from "node:child_process";
import { readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { memory, tensor2d, tidy } from "@tensorflow/tfjs";
import { dispose, parameters } from "@tessera-lm/layers";
import { type StorageType, type TensorToWrite, WrongFormatError } from "@tessera-lm/weights";
import { HubError, openSafetensorsFolder, writeSafetensorsFolder } from "@tessera-lm/weights/node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type FakeHub, fakeHub } from "../../../weights/src/testing/fake-hub.ts";
import { createDecoder, type Decoder } from "../decoder/decoder.ts";
import { createGpt2, type Gpt2 } from "../decoder/gpt2.ts";
import { createEncoder } from "../encoder/encoder.ts";
import { ArgumentError, ModelFileError, StorageTypeError, TensorMismatchError, WrongKindError } from "../errors.ts";
import { saveGguf } from "../gguf/save-gguf.ts";
import { inTemporaryFolder } from "../testing/reference.ts";
import { loadModel } from "./load-model.ts";
import { type QuantizedType, quantizeModel } from "./quantize-model.ts";
import { saveModel } from "./save-model.ts";
import { storedMatrices } from "./storable.ts";

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

test("a GGUF file of the hub is opened by its name, once it is there without it", () =>
  inTemporaryFolder(async (folder) => {
    const model = createGpt2(size, 1);
    await saveGguf(model, join(folder, "tiny.gguf"), { tokenizer: null, type: "Q8_0" });
    hub.files.clear();
    const bytes = await readFile(join(folder, "tiny.gguf"));
    hub.files.set("tiny.Q4_K_M.gguf", { bytes: Buffer.from("not read"), lfs: true });
    hub.files.set("q8/tiny.Q8_0.gguf", { bytes, lfs: true });
    const options = { endpoint: hub.endpoint, cacheFolder: join(folder, "cache") };
    const error = await loadModel("owner/name", "decoder", options).catch((each) => each);
    expect(error).toBeInstanceOf(HubError);
    const names = [...error.message.matchAll(/loadModel\("([^"]+)"\)/g)].map(([, name]) => name);
    expect(names).toEqual(["owner/name/q8/tiny.Q8_0.gguf"]);
    const downloaded = await loadModel(names[0], "decoder", options);
    const cached = await loadModel(names[0], "decoder", { ...options, offline: true, precision: "F32" });
    expect(storedMatrices(downloaded).size).toBe(9);
    expect(storedMatrices(cached).size).toBe(0);
    await expect(loadModel("owner/name/else.gguf", "decoder", options)).rejects.toThrow(
      "owner/name/else.gguf is no file or folder here, so it was looked for on the hub: None of the 2 files of owner/name matches else.gguf",
    );
    await expect(loadModel("owner/name/../x.gguf", "decoder", options)).rejects.toThrow(HubError);
    dispose([model, downloaded, cached]);
  }));

test("a model of the hub with nothing but a pickle says how to convert it", () =>
  inTemporaryFolder(async (folder) => {
    hub.files.clear();
    hub.files.set("config.json", { bytes: Buffer.from("{}"), lfs: false });
    hub.files.set("pytorch_model.bin", { bytes: Buffer.from("pickle"), lfs: true });
    hub.requests.length = 0;
    const options = { endpoint: hub.endpoint, cacheFolder: join(folder, "cache") };
    await expect(loadModel("owner/name", "decoder", options)).rejects.toThrow(WrongFormatError);
    expect(hub.requests.filter((path) => path.includes("resolve"))).toEqual([]);
  }));

test.skipIf(process.platform === "win32")("a folder reads nothing outside of it, and waits for no pipe", () =>
  inTemporaryFolder(async (folder) => {
    const model = createGpt2(size, 1);
    await saveModel(model, join(folder, "model"));
    for (const name of ["config.json", "generation_config.json", "model.safetensors"]) {
      const [inside, outside] = [join(folder, "model", name), join(folder, name)];
      await rename(inside, outside);
      await symlink(outside, inside);
      await expect(loadModel(join(folder, "model"))).rejects.toThrow(`${inside}: it is a link to`);
      await rm(inside);
      execFileSync("/usr/bin/env", ["mkfifo", inside]);
      await expect(loadModel(join(folder, "model"))).rejects.toThrow(`${inside}: it is not a regular file`);
      if (name === "config.json") await expect(loadModel(inside)).rejects.toThrow("it is not a regular file");
      await rm(inside);
      await rename(outside, inside);
    }
    await symlink(join(folder, "model"), join(folder, "link"));
    dispose([model, await loadModel(join(folder, "link"))]);
  }),
);

test.each(["./no/folder", "/no/folder", "a/b/c", "nothing"])(
  "%s is no name on the hub but a folder that is missing",
  async (place) => {
    const error = await loadModel(place).catch((each) => each);
    expect(error).toBeInstanceOf(ModelFileError);
    expect(error.message).toContain(`${place}. A model of the Hugging Face Hub is named owner/name`);
  },
);

test("a folder with nothing but a pickle is refused, with how to convert it", () =>
  inTemporaryFolder(async (folder) => {
    const model = createGpt2(size, 1);
    await saveModel(model, join(folder, "saved"));
    await writeFile(join(folder, "config.json"), await readFile(join(folder, "saved", "config.json")));
    const pickle = new URL("../../../weights/src/fixtures/pickle-zip.bin", import.meta.url);
    await writeFile(join(folder, "pytorch_model.bin"), await readFile(pickle));
    await expect(loadModel(folder)).rejects.toThrow(/pytorch_model.bin is .*pickle.*safetensors/is);
    dispose(model);
  }));

test("tensors that are no floats are named together, before any is read", () =>
  inTemporaryFolder(async (folder) => {
    const model = createGpt2(size, 1);
    await saveModel(model, folder);
    const file = await openSafetensorsFolder(folder);
    const changed = await Promise.all(
      Array.from(file.entries, async ([name, { shape }]): Promise<[string, TensorToWrite]> => {
        if (!name.includes("ln_f")) return [name, await file.read(name)];
        return [name, { dtype: "I32", shape, data: new Int32Array(64) }];
      }),
    );
    await file.close();
    await writeSafetensorsFolder(folder, changed);
    const before = memory().numTensors;
    const error = await loadModel(folder).catch((each) => each);
    expect(error).toBeInstanceOf(TensorMismatchError);
    expect(error.problems).toEqual([
      "transformer.ln_f.weight is I32, expected F32, F16, BF16",
      "transformer.ln_f.bias is I32, expected F32, F16, BF16",
    ]);
    expect(memory().numTensors).toBe(before);
    dispose(model);
  }));

test("a type that there is not is named, with those that there are", () =>
  inTemporaryFolder(async (folder) => {
    const model = createGpt2(size, 1);
    await saveModel(model, folder);
    const before = memory().numTensors;
    const known = 'take "F32" or "BF16" or "F16" or "Q8_0" or "Q4_0"';
    const precision = "q8" as StorageType;
    await expect(loadModel(folder, "decoder", { precision })).rejects.toThrow(
      `no storage type "q8" for weights: ${known}`,
    );
    await expect(quantizeModel(model, "Q5_0" as QuantizedType)).rejects.toThrow(StorageTypeError);
    expect(memory().numTensors).toBe(before);
    expect(storedMatrices(model).size).toBe(0);
    dispose(model);
  }));

test("what JavaScript lets through is refused, with what may be there", () =>
  inTemporaryFolder(async (folder) => {
    const model = createGpt2(size, 1);
    await saveModel(model, folder);
    await saveGguf(model, join(folder, "model.gguf"), { tokenizer: null });
    const before = memory().numTensors;
    const refused = async (call: (...args: never[]) => Promise<unknown>, args: unknown[], message: string) => {
      const error = await call(...(args as never[])).then(String, (each: Error) => each);
      expect(error).toBeInstanceOf(ArgumentError);
      expect(String(error)).toContain(message);
    };
    for (const place of [folder, join(folder, "model.gguf")]) {
      const kinds = 'it must be "decoder" or "encoder" or "encoder-decoder"';
      await refused(loadModel, [place, "Decoder"], `kind is "Decoder"; ${kinds}`);
      await refused(loadModel, [place, { precision: "F16" }], `kind is {"precision":"F16"}; ${kinds}`);
      await refused(loadModel, [place, "decoder", "F16"], 'the object of options is "F16"');
      const precision = "Q5_0" as StorageType;
      await expect(loadModel(place, "decoder", { precision })).rejects.toThrow(StorageTypeError);
    }
    for (const wrong of [undefined, 5, "", {}]) {
      await refused(loadModel, [wrong], "it must be a text");
      await refused(saveModel, [model, wrong], "it must be a text");
      await refused(saveGguf, [model, wrong], "it must be a text");
    }
    for (const wrong of [null, 5, {}, Promise.resolve(model)]) {
      await refused(saveModel, [wrong, folder], "such as await loadModel(folder)");
      await refused(saveGguf, [wrong, join(folder, "x.gguf")], "such as await loadModel(folder)");
    }
    await refused(saveGguf, [model, join(folder, "x.gguf"), "Q8_0"], "the object of options");
    await refused(quantizeModel, [model, "Q8_0", null], "the object of options");
    await expect(quantizeModel(model, "F32" as QuantizedType)).rejects.toThrow('take "BF16" or "F16" or "Q8_0"');
    for (const tokenizer of [{ encode() {} }, 5] as never[]) {
      await expect(saveGguf(model, join(folder, "x.gguf"), { tokenizer })).rejects.toThrow(
        "Make it with tokenizerToGguf",
      );
    }
    expect(await readdir(folder)).not.toContain("x.gguf");
    expect(memory().numTensors).toBe(before);
    dispose(model);
  }));

test("a quantised model is not saved in float32, and says why", () =>
  inTemporaryFolder(async (folder) => {
    const model = createGpt2(size, 1);
    await quantizeModel(model, "Q8_0");
    await expect(saveModel(model, folder)).rejects.toThrow(/it is quantised.*saveGguf/);
    dispose(model);
  }));

test("another file than a GGUF says how it is opened", () =>
  inTemporaryFolder(async (folder) => {
    const model = createGpt2(size, 1);
    await saveModel(model, folder);
    await expect(loadModel(join(folder, "model.safetensors"))).rejects.toThrow("Pass the folder that they lie in");
    const pickle = fileURLToPath(new URL("../../../weights/src/fixtures/pickle-zip.bin", import.meta.url));
    await expect(loadModel(pickle, "encoder")).rejects.toThrow(/pickle/);
    const llama2c = join(folder, "stories.bin");
    await writeFile(llama2c, llama2cFile());
    await expect(loadModel(llama2c)).rejects.toThrow("is a model of llama2.c: open it with loadLlama2c");
    await saveGguf(model, join(folder, "model.gguf"), { tokenizer: null });
    await expect(loadModel(join(folder, "model.gguf"), "encoder")).rejects.toThrow(WrongKindError);
    dispose(model);
  }));

/** One layer of two features and three tokens, all zeros. */
function llama2cFile(): Uint8Array {
  const [width, feedForward, vocabSize, contextLength] = [2, 3, 3, 4];
  const numbers =
    vocabSize * width + width + 4 * width * width + width + 3 * width * feedForward + width + 2 * contextLength;
  const file = new Uint8Array(28 + 4 * numbers);
  new Int32Array(file.buffer, 0, 7).set([width, feedForward, 1, 1, 1, vocabSize, contextLength]);
  return file;
}
