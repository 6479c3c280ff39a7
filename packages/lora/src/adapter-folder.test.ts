import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memory, type Tensor2D, transpose, variableGrads } from "@tensorflow/tfjs";
import { createGpt2, huggingFaceNames } from "@tessera-lm/gpt";
import { Linear, parameters } from "@tessera-lm/layers";
import { type HostTensor } from "@tessera-lm/weights";
import { openSafetensorsFile, writeSafetensorsFile } from "@tessera-lm/weights/node";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadAdapter, saveAdapter } from "./adapter-folder.ts";
import { applyLora } from "./apply.ts";
import { AdapterFileError, AdapterMismatchError, AdapterStateError, UnsupportedAdapterError } from "./errors.ts";
import { mergeLora } from "./merge.ts";
import { expected, fixture, loadBase, names, relativeError, tokens } from "./testing/fixtures.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lora-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** What a safetensors file holds. */
async function tensorsOf(path: string): Promise<Map<string, HostTensor>> {
  const file = await openSafetensorsFile(path);
  const tensors = new Map<string, HostTensor>();
  for (const name of file.entries.keys()) tensors.set(name, await file.read(name));
  await file.close();
  return tensors;
}

describe("loadAdapter", () => {
  it.each(["peft-adapter", "peft-rslora"])("gives PEFT's logits with %s, and merged ones", async (name) => {
    const model = await loadBase();
    await loadAdapter(model, fixture(name), names);
    const logits = await expected(`logits.${name}`);
    expect(await relativeError(await expected("logits.base"), logits)).toBeGreaterThan(1e-2);
    expect(await relativeError(model.forward(await tokens()), logits)).toBeLessThan(1e-5);
    mergeLora(model);
    expect(await relativeError(model.forward(await tokens()), await expected(`merged.${name}`))).toBeLessThan(1e-5);
  });

  it("gives PEFT's gradients of A and B, and its dropout", async () => {
    const model = await loadBase();
    const adapter = await loadAdapter(model, fixture("peft-adapter"), names);
    const [ids, targets] = [await tokens(), (await expected("targets")) as Tensor2D];
    const trainable = [...adapter.parameters()];
    const { grads } = variableGrads(
      () => model.loss(ids, targets),
      trainable.map(([, parameter]) => parameter),
    );
    expect(trainable.length).toBe(8);
    for (const [path, parameter] of trainable) {
      const module = huggingFaceNames(path.replace(/\.lora[AB]$/, ""));
      const wanted = await expected(`gradient.base_model.model.${module}.lora_${path.at(-1)}.weight`);
      expect(await relativeError(transpose(grads[parameter.name] as Tensor2D), wanted)).toBeLessThan(1e-5);
    }
    expect(adapter.modules.get("blocks.0.attention.qkv")?.lora).toEqual({
      rank: 4,
      alpha: 6,
      dropout: 0.25,
      rankStabilized: false,
    });
  });

  /** The PEFT adapter with one thing changed. */
  async function damaged(change: {
    config?: object | string;
    tensors?: (all: Map<string, HostTensor>) => void;
  }): Promise<unknown> {
    await cp(fixture("peft-adapter"), folder, { recursive: true });
    const [config, weights] = [join(folder, "adapter_config.json"), join(folder, "adapter_model.safetensors")];
    if (typeof change.config === "string") await writeFile(config, change.config);
    else await writeFile(config, JSON.stringify({ ...JSON.parse(await readFile(config, "utf8")), ...change.config }));
    const tensors = await tensorsOf(weights);
    change.tensors?.(tensors);
    await writeSafetensorsFile(weights, tensors);
    const model = await loadBase();
    const before = memory().numTensors;
    const error = await loadAdapter(model, folder, names).catch((caught: unknown) => caught);
    // Nothing half-applied, nothing leaked.
    expect(memory().numTensors).toBe(before);
    expect(model.blocks[0]?.attention.qkv).toBeInstanceOf(Linear);
    expect([...parameters(model).values()].every((parameter) => parameter.trainable)).toBe(true);
    return error;
  }

  const A = "base_model.model.transformer.h.1.mlp.c_proj.lora_A.weight";

  it.each<[string, Parameters<typeof damaged>[0], string]>([
    ["another rank in the configuration", { config: { r: 5 } }, "lora_A.weight is (4, 16); expected (5, 16)"],
    ["a missing half", { tensors: (all) => all.delete(A) }, `${A} is missing`],
    [
      "an unknown layer",
      { tensors: (all) => all.set(A.replace("h.1", "h.7"), all.get(A) as HostTensor) },
      "h.7.mlp.c_proj",
    ],
    [
      "a transposed tensor",
      { tensors: (all) => all.set(A, { ...(all.get(A) as HostTensor), shape: [64, 4] }) },
      "is (64, 4); expected (4, 64)",
    ],
    [
      "integers",
      { tensors: (all) => all.set(A, { dtype: "I32", shape: [4, 64], data: new Int32Array(256) }) },
      "is I32",
    ],
    ["no tensors", { tensors: (all) => all.clear() }, "it holds no tensors"],
  ])("refuses %s", async (_, change, problem) => {
    const error = await damaged(change);
    expect(error).toBeInstanceOf(AdapterMismatchError);
    expect((error as Error).message).toContain(problem);
    expect((error as Error).message).toContain(join(folder, "adapter_model.safetensors"));
  });

  it.each<[object, string]>([
    [{ peft_type: "IA3" }, 'peft_type is "IA3"'],
    [{ use_dora: true }, "use_dora is true"],
    [{ bias: "all" }, 'bias is "all"'],
    [{ rank_pattern: { c_attn: 2 } }, "rank_pattern"],
    [{ modules_to_save: ["wte"] }, "modules_to_save"],
    [{ init_lora_weights: "pissa" }, 'init_lora_weights is "pissa"'],
  ])("refuses what it does not compute: %o", async (config, problem) => {
    const error = await damaged({ config });
    expect(error).toBeInstanceOf(UnsupportedAdapterError);
    expect((error as Error).message).toContain(problem);
  });

  it.each<[object | string, string]>([
    ["{", "not JSON"],
    ["[]", "not a JSON object"],
    [{ r: 0 }, "r is 0"],
    [{ r: "4" }, 'r is "4"'],
    [{ lora_alpha: null }, "lora_alpha is null"],
    [{ lora_dropout: 1 }, "lora_dropout is 1"],
  ])("says what is wrong with a configuration: %o", async (config, problem) => {
    const error = await damaged({ config });
    expect(error).toBeInstanceOf(AdapterFileError);
    expect((error as Error).message).toContain(problem);
  });

  it("refuses any damaged configuration with an error of its own", async () => {
    const good = await readFile(join(fixture("peft-adapter"), "adapter_config.json"), "utf8");
    await cp(fixture("peft-adapter"), folder, { recursive: true });
    const model = await loadBase();
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.string({ maxLength: 4 }), async (at, text) => {
        await writeFile(join(folder, "adapter_config.json"), good.slice(0, at) + text + good.slice(at + 1));
        const outcome: unknown = await loadAdapter(model, folder, names).catch((error: unknown) => error);
        if (outcome instanceof Error) expect(outcome).toHaveProperty("isTesseraError", true);
        else mergeLora(model);
      }),
      { numRuns: 60 },
    );
  });

  it("says what is missing, and takes one adapter at a time", async () => {
    const model = await loadBase();
    await expect(loadAdapter(model, folder, names)).rejects.toThrow(AdapterFileError);
    await expect(loadAdapter(model, fixture("peft-adapter"))).rejects.toThrow(
      "no linear layer for base_model.model.transformer",
    );
    await loadAdapter(model, fixture("peft-adapter"), names);
    await expect(loadAdapter(model, fixture("peft-adapter"), names)).rejects.toThrow(AdapterStateError);
  });
});

describe("saveAdapter", () => {
  it("writes what PEFT wrote, tensor for tensor", async () => {
    const model = await loadBase();
    await loadAdapter(model, fixture("peft-adapter"), names);
    await saveAdapter(model, folder, { ...names, baseModel: "gpt2" });
    expect((await readdir(folder)).sort()).toEqual(["adapter_config.json", "adapter_model.safetensors"]);
    const file = "adapter_model.safetensors";
    expect(await tensorsOf(join(folder, file))).toEqual(await tensorsOf(join(fixture("peft-adapter"), file)));
    const [ours, theirs] = await Promise.all(
      [folder, fixture("peft-adapter")].map(async (from) =>
        JSON.parse(await readFile(join(from, "adapter_config.json"), "utf8")),
      ),
    );
    expect({ ...theirs, ...ours }).toEqual({ ...theirs, base_model_name_or_path: "gpt2" });
  });

  it("comes back bit for bit", async () => {
    const config = { vocabSize: 20, contextLength: 8, numLayers: 2, numHeads: 2, width: 8 };
    const model = createGpt2(config, 1);
    const adapter = applyLora(model, {
      targets: ["output", "up"],
      rank: 2,
      alpha: 5,
      dropout: 0.1,
      rankStabilized: true,
      seed: 3,
    });
    await saveAdapter(model, folder);
    const other = createGpt2(config, 1);
    const loaded = await loadAdapter(other, folder);
    for (const [name, parameter] of adapter.parameters()) {
      expect([...(loaded.parameters().get(name)?.dataSync() ?? [])]).toEqual([...parameter.dataSync()]);
    }
    expect(loaded.modules.get("blocks.0.feedForward.up")?.lora).toEqual(
      adapter.modules.get("blocks.0.feedForward.up")?.lora,
    );
  });

  it("needs an adapter", async () => {
    await expect(saveAdapter(await loadBase(), folder)).rejects.toThrow(AdapterStateError);
  });
});
