import { setBackend } from "@tensorflow/tfjs";
import { dispose } from "@tessera-lm/layers";
import { describe, expect, it, test } from "vitest";
import { createDecoder } from "../decoder/decoder.ts";
import { createGpt2 } from "../decoder/gpt2.ts";
import { createEncoder } from "../encoder/encoder.ts";
import { createEncoderDecoder } from "../encoder-decoder/encoder-decoder.ts";
import { PlanError } from "../errors.ts";
import { summary } from "../inspect/summary.ts";
import { quantizeModel } from "../storage/quantize-model.ts";
import { anatomyOf, type ModelConfig } from "./anatomy.ts";
import { countFlops } from "./flops.ts";
import { measureSpeed } from "./measure-speed.ts";
import { plan } from "./plan.ts";
import { optimalForCompute, optimalForModel, predictedLoss } from "./scaling-law.ts";

const gpt2 = (numLayers: number, numHeads: number, width: number, bias = true): ModelConfig => {
  return { kind: "gpt2", vocabSize: 50257, contextLength: 1024, numLayers, numHeads, width, bias };
};
const llama7b: ModelConfig = {
  kind: "decoder",
  vocabSize: 32_000,
  contextLength: 4096,
  numLayers: 32,
  numHeads: 32,
  width: 4096,
  feedForwardWidth: 11_008,
};

test.each([
  ["GPT-2 small", gpt2(12, 12, 768), 124_439_808],
  ["GPT-2 medium", gpt2(24, 16, 1024), 354_823_168],
  ["GPT-2 large", gpt2(36, 20, 1280), 774_030_080],
  ["GPT-2 XL", gpt2(48, 25, 1600), 1_557_611_200],
  ["Llama 2 7B", llama7b, 6_738_415_616],
  [
    "bert-base-cased with its pooler, without its masked head",
    {
      kind: "encoder",
      vocabSize: 28_996,
      contextLength: 512,
      numLayers: 12,
      numHeads: 12,
      width: 768,
      pooler: true,
      maskedHead: false,
    } as const,
    108_310_272,
  ],
  [
    "t5-small",
    { kind: "encoder-decoder", vocabSize: 32_128, numLayers: 6, numHeads: 8, width: 512 } as const,
    60_506_624,
  ],
])("%s has the published number of parameters", (_, config, count) => {
  expect(plan(config).parameters).toBe(count);
});

describe("operations", () => {
  it("are those of nanoGPT's transformer_sizing for 124M and 1024 tokens", () => {
    const { flops } = plan(gpt2(12, 12, 768, false));
    expect(flops.forward).toBe(291_648_307_200);
    expect(flops.backward).toBe(2 * 291_648_307_200);
    expect(flops.perToken).toBe((3 * 291_648_307_200) / 1024);
    expect((flops.perTokenEstimate / flops.perToken).toFixed(4)).toBe("1.0001");
  });

  it("are fewer with grouped heads and a sliding window", () => {
    const count = (more: object): number => countFlops(anatomyOf({ ...llama7b, ...more }), 4096).forward;
    const [T, L, C] = [4096, 32, 4096];
    expect(count({}) - count({ numKeyValueHeads: 8 })).toBe(L * 2 * T * 2 * C * 24 * 128);
    expect(count({}) - count({ slidingWindow: 1024 })).toBe(L * 4 * T * C * (4096 - 1024));
    const half = { slidingWindow: 1024, fullAttentionLayers: Array.from({ length: 16 }, (_, i) => 2 * i) };
    expect(count({}) - count(half)).toBe(16 * 4 * T * C * (4096 - 1024));
  });
});

describe("memory", () => {
  it("is 4 bytes for weights and gradients each and 8 for AdamW: 16, where the rule of thumb says 24", () => {
    const { training, parameters } = plan(gpt2(12, 12, 768));
    expect([training.weights, training.gradients, training.moments]).toEqual([1, 1, 2].map((n) => 4 * n * parameters));
    expect(training.perParameter).toBe(16);
    expect(training.ruleOfThumb).toBe(24 * parameters);
  });

  it("is within 10 % of what processes were seen to take, with 200 MB for Node itself", () => {
    const measured = [
      { config: { ...gpt2(12, 12, 768, false), contextLength: 256 }, batchSize: 4, plain: 2588, checkpointing: 2243 },
      {
        config: { ...gpt2(6, 6, 384, false), vocabSize: 65, contextLength: 256 } as ModelConfig,
        batchSize: 8,
        plain: 637,
      },
    ];
    for (const { config, batchSize, plain, checkpointing } of measured) {
      const planned = plan(config, { batchSize });
      expect(Math.abs((planned.training.peak / 1e6 + 200) / plain - 1)).toBeLessThan(0.1);
      if (checkpointing === undefined) continue;
      expect(Math.abs((planned.checkpointing.peak / 1e6 + 200) / checkpointing - 1)).toBeLessThan(0.1);
    }
  });

  it("of reading 512 tokens, too: a process took 762 MB", () => {
    const { peak } = plan(gpt2(12, 12, 768), { contextLength: 512 }).inference.F32;
    expect(Math.abs((peak / 1e6 + 200) / 762 - 1)).toBeLessThan(0.1);
  });

  it("of what is only run shrinks with the bits of its matrices; keys and values do not", () => {
    const { inference, parameters } = plan(llama7b, { contextLength: 1024 });
    expect(inference.F32.weights).toBe(4 * parameters);
    expect(inference.F32.cache).toBe(2 * 32 * 4096 * 1024 * 4);
    expect(inference.Q4_0.cache).toBe(inference.F32.cache);
    const sliding = {
      ...llama7b,
      numKeyValueHeads: 8,
      slidingWindow: 1000,
      fullAttentionLayers: [0, 1, 2, 3, 4, 5, 6, 31],
    };
    const rows = 8 * 4096 + 24 * (1000 + 250 + 3 * 512);
    expect(plan(sliding).inference.F32.cache).toBe(2 * rows * 1024 * 4);
    const t5 = { kind: "encoder-decoder", vocabSize: 100, numLayers: 6, numDecoderLayers: 2, numHeads: 8, width: 512 };
    expect(plan(t5 as ModelConfig).inference.F32.cache).toBe(2 * 2 * 2 * 512 * 512 * 4);
    const norms = (2 * 32 + 1) * 4096;
    expect(inference.Q8_0.weights).toBe(((parameters - norms) / 32) * 34 + 4 * norms);
    expect(inference.F16.weights).toBe(2 * (parameters - norms) + 4 * norms);
  });

  it("of an adapter has no gradients and moments but its own", () => {
    const { lora, parameters } = plan(gpt2(12, 12, 768), { lora: { rank: 4, targets: ["qkv"] } });
    expect(lora.trainedParameters).toBe(12 * 4 * (768 + 3 * 768));
    expect(lora.weights).toBe(4 * (parameters + lora.trainedParameters));
    expect(lora.gradients + lora.moments).toBe(12 * lora.trainedParameters);
  });
});

describe("the scaling law", () => {
  it("gives nanoGPT's numbers: on its grid of sizes 316.23M and 11.65B for 2.21e19, and a loss of 2.76 for 400M", () => {
    const flops = 2.21e19;
    const sizes = Array.from({ length: 64 }, (_, i) => 10 ** (7 + i / 16));
    const losses = sizes.map((size) => predictedLoss(size, flops / (6 * size)));
    const best = sizes[losses.indexOf(Math.min(...losses))] as number;
    expect((best / 1e6).toFixed(2)).toBe("316.23");
    expect((flops / (6 * best) / 1e9).toFixed(2)).toBe("11.65");
    expect(predictedLoss(400e6, 14.43e9).toFixed(2)).toBe("2.76");
  });

  it("has the optimum where no size nearby is better, within half a percent of nanoGPT's fit", () => {
    const { parameters, tokens, loss } = optimalForCompute(2.21e19);
    expect(6 * parameters * tokens).toBeCloseTo(2.21e19, -10);
    for (const factor of [0.99, 1.01]) {
      expect(predictedLoss(parameters * factor, tokens / factor)).toBeGreaterThan(loss);
    }
    const forModel = optimalForModel(400e6);
    expect(forModel.tokens / 14.43e9).toBeCloseTo(1, 2);
    expect(Math.abs(forModel.tokens / 14.43e9 - 1)).toBeLessThan(0.005);
    expect(Math.abs(forModel.flops / 3.46e19 - 1)).toBeLessThan(0.005);
    expect(forModel.loss.toFixed(2)).toBe("2.76");
  });

  it("goes there and back", () => {
    const { flops, tokens } = optimalForModel(1e9);
    expect(optimalForCompute(flops).parameters / 1e9).toBeCloseTo(1, 9);
    expect(optimalForCompute(flops).tokens / tokens).toBeCloseTo(1, 9);
    for (const bad of [0, -1, Number.NaN, Infinity]) expect(() => optimalForModel(bad)).toThrow(PlanError);
  });
});

describe("what JavaScript lets through", () => {
  const config = gpt2(2, 2, 8);

  it.each([{ ...config, kind: "GPT2" }, { ...config, kind: "toString" }, {}, "gpt2", null, undefined])(
    "a configuration %j is refused, with the kinds that there are",
    (wrong) => {
      expect(() => plan(wrong as ModelConfig)).toThrow(PlanError);
      expect(() => plan(wrong as ModelConfig)).toThrow('it must be "gpt2" or "decoder" or "encoder"');
    },
  );

  it.each<[string, unknown]>([
    ["batchSize", "2"],
    ["contextLength", Number.NaN],
    ["tokens", -1],
    ["lora.rank", "8"],
    ["lora.targets", "query"],
    ["lora.targets", ["nothing of the kind"]],
    ["hardware", "A100"],
    ["hardware", ["A100"]],
    ["hardware", [null]],
  ])("an option %s that is %j is refused", (name, value) => {
    const [, inLora] = /^lora\.(.*)/.exec(name) ?? [];
    const options = inLora === undefined ? { [name]: value } : { lora: { rank: 8, [inLora]: value } };
    expect(() => plan(config, options)).toThrow(PlanError);
    expect(() => plan(config, options)).toThrow(
      `plan: ${name} is ${JSON.stringify(value).replace(/^null$/, "NaN")}; it must`,
    );
  });
});

describe("time and money", () => {
  const machine = { name: "x", peakFlops: 1e12, utilization: 0.5, source: "" };

  it("are operations by speed, and by price", () => {
    const config = gpt2(12, 12, 768);
    const rented = { ...machine, pricePerHour: 3, memory: 3e9 };
    const { runs, flops } = plan(config, { tokens: 1e9, batchSize: 4, hardware: [machine, rented] });
    const seconds = (1e9 * flops.perToken) / 5e11;
    expect(runs[0]).toEqual({ hardware: machine, seconds });
    expect(runs[1]).toEqual({ hardware: rented, seconds, cost: (seconds / 3600) * 3, fits: "with checkpointing" });
  });

  it("know this machine by a product of matrices", async () => {
    await setBackend("cpu");
    const here = await measureSpeed();
    expect(here.name).toBe("this machine (cpu)");
    expect(here.peakFlops).toBeGreaterThan(1e6);
    expect(here.peakFlops).toBeLessThan(1e12);
  });
});

test("the text shows all of it", () => {
  const text = String(plan({ ...gpt2(12, 12, 768, false), contextLength: 256 }, { batchSize: 4 }));
  expect(text).toMatch(/^123,747,840 parameters$/m);
  expect(text).toMatch(/^weights +495\.0 MB +495\.0 MB +499\.7 MB$/m);
  expect(text).toMatch(/^peak, which is less than the sum +2\.4 GB +2\.0 GB +/m);
  expect(text).toMatch(/^Rule of thumb: six times the weights, 3\.0 GB; the exact peak is 0\.79 times that\.$/m);
  expect(text).toMatch(/^H100 SXM, 80 GB +989\.0 TFLOP\/s +40 % +[\d.]+ hours +\$[\d.]+ +yes$/m);
});

test("texts longer than learned positions are refused; turned ones go as far as one likes", () => {
  expect(() => plan(gpt2(12, 12, 768), { contextLength: 4096 })).toThrow(
    "contextLength is 4096, but the model has 1024 learned positions",
  );
  expect(plan(llama7b, { contextLength: 8192 }).contextLength).toBe(8192);
});

test.each([
  [{ batchSize: 0 }, "batchSize is 0"],
  [{ contextLength: 1.5 }, "contextLength is 1.5"],
  [{ tokens: Number.NaN }, "tokens is NaN"],
  [{ lora: { rank: -1 } }, "rank is -1"],
])("an option out of range is named: %o", (options, message) => {
  expect(() => plan(gpt2(12, 12, 768), options)).toThrow(message);
});

const small = { vocabSize: 64, contextLength: 32, numLayers: 2, numHeads: 4 };
test.each([32, 48])("bytes of weights %i wide are those of the model that quantizeModel makes", async (width) => {
  const models = {
    gpt2: () => createGpt2({ ...small, width }, 1),
    decoder: () => createDecoder({ ...small, width, numKeyValueHeads: 2 }, 1),
    encoder: () => createEncoder({ ...small, width, maskedHead: true }, 1),
    "encoder-decoder": () => createEncoderDecoder({ ...small, width }, 1),
  };
  for (const [kind, create] of Object.entries(models)) {
    for (const type of ["F16", "BF16", "Q8_0", "Q4_0"] as const) {
      const model = create();
      const { inference } = plan({ kind, ...model.config } as ModelConfig);
      expect(inference.F32.weights, kind).toBe(summary(model).bytes);
      await quantizeModel(model, type);
      expect(inference[type].weights, `${kind} in ${type}`).toBe(summary(model).bytes);
      dispose(model);
    }
  }
});
