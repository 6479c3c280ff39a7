import { backend, dispose as disposeTensors, tensor2d } from "@tensorflow/tfjs";
import type { Batch } from "@tessera-lm/data";
import { inMemoryTokens, randomWindows } from "@tessera-lm/data";
import {
  createDecoder,
  createEncoder,
  createEncoderDecoder,
  createGpt2,
  generate,
  type ModelConfig,
  plan,
  type TrainingMemory,
} from "@tessera-lm/gpt";
import { dispose, KeyValueCache, parameters } from "@tessera-lm/layers";
import { applyLora } from "@tessera-lm/lora";
import { adamw, chain, clipByGlobalNorm, nextToken, type Objective, train } from "@tessera-lm/trainer";
import { beforeAll, describe, expect, it } from "vitest";
import type { EngineBackend } from "./engine/backend.ts";
import { useBackend } from "./use-backend.ts";

const batchSize = 12;
const sizes = { vocabSize: 65, contextLength: 64, numLayers: 4, numHeads: 4, width: 64 };

/** The most bytes that the tensors of `run` hold before any command to the engine. */
async function peakBytes(run: () => Promise<unknown>): Promise<number> {
  const engine = backend() as EngineBackend;
  const before = engine.memory().numBytes; // what earlier optimizers hold
  let peak = 0;
  engine.run = (...command) => {
    peak = Math.max(peak, engine.memory().numBytes);
    Object.getPrototypeOf(engine).run.apply(engine, command);
  };
  try {
    await run();
  } finally {
    Reflect.deleteProperty(engine, "run");
  }
  return peak - before;
}

type Model = ReturnType<typeof create>;

// biome-ignore format: one line each
function create(config: ModelConfig) {
  switch (config.kind) {
    case "gpt2": return createGpt2(config, 1);
    case "decoder": return createDecoder(config, 1);
    case "encoder": return createEncoder(config, 1);
    case "encoder-decoder": return createEncoderDecoder(config, 1);
  }
}

async function trainTwoSteps(
  model: Model,
  { vocabSize, contextLength = 64 }: ModelConfig,
  checkpointing: boolean,
): Promise<void> {
  const pairs: Objective<Batch> = ({ inputs, targets, shape }, { seed }) => {
    const [ids, wanted] = [inputs, targets].map((values) => tensor2d(values, [...shape], "int32"));
    return { loss: model.loss(ids as never, wanted as never, { seed, checkpointing }), count: targets.length };
  };
  const ids = Int32Array.from({ length: 2000 }, (_, i) => (i * 7919) % vocabSize);
  const trained = new Map([...parameters(model)].filter(([, { trainable }]) => trainable));
  const steps = train({
    parameters: trained,
    objective: "encode" in model ? pairs : nextToken(model, { checkpointing }),
    batches: randomWindows(inMemoryTokens(ids), { batchSize, contextLength, seed: 1 }),
    optimizer: chain(clipByGlobalNorm(1), adamw({ learningRate: 1e-3 })),
    steps: 2,
  });
  for await (const _ of steps);
}

const configs: Record<string, ModelConfig> = {
  "GPT-2": { kind: "gpt2", ...sizes },
  "GPT-2 with dropout, without biases": { kind: "gpt2", ...sizes, dropout: 0.1, bias: false },
  "GPT-2 with a large vocabulary": { kind: "gpt2", ...sizes, vocabSize: 20_000, numLayers: 2 },
  "GPT-2 of many weights and few tokens": { kind: "gpt2", ...sizes, contextLength: 4, width: 128 },
  Llama: { kind: "decoder", ...sizes, numKeyValueHeads: 2 },
  "Llama with a tied head": { kind: "decoder", ...sizes, tieEmbeddings: true, vocabSize: 5000 },
  Mistral: { kind: "decoder", ...sizes, slidingWindow: 16 },
  ALiBi: { kind: "decoder", ...sizes, positions: "alibi", gated: false, activation: "gelu", norm: "layer", bias: true },
  BERT: { kind: "encoder", ...sizes, vocabSize: 5000 },
  T5: { kind: "encoder-decoder", ...sizes },
};

/** Within 5 %. */
function expectClose(planned: number, measured: number): void {
  expect(planned / measured).toBeGreaterThan(0.95);
  expect(planned / measured).toBeLessThan(1.05);
}

describe("plan", { timeout: 60_000 }, () => {
  beforeAll(() => useBackend("tessera-wasm"));

  it.each(Object.entries(configs))("knows the peak of a training step: %s", async (_, config) => {
    const planned = plan(config, { batchSize });
    const of: [TrainingMemory, boolean][] = [
      [planned.training, false],
      [planned.checkpointing, true],
    ];
    for (const [{ peak }, checkpointing] of of) {
      const measured = await peakBytes(async () => {
        const model = create(config);
        await trainTwoSteps(model, config, checkpointing);
        dispose(model);
      });
      expectClose(peak, measured);
    }
  });

  it.each(["GPT-2", "Llama"])("knows the peak of tuning an adapter: %s", async (name) => {
    const config = configs[name] as ModelConfig;
    const planned = plan(config, { batchSize, lora: { rank: 4 } });
    const measured = await peakBytes(async () => {
      const model = create(config);
      applyLora(model, { rank: 4, targets: [/blocks/], seed: 1 });
      const trained = [...parameters(model).values()].filter(({ trainable }) => trainable);
      expect(planned.lora.trainedParameters).toBe(trained.reduce((total, { size }) => total + size, 0));
      await trainTwoSteps(model, config, false);
      dispose(model);
    });
    expectClose(planned.lora.peak, measured);
  });

  it.each(["GPT-2", "Llama", "GPT-2 with a large vocabulary"])(
    "knows the peak of reading a prompt: %s",
    async (name) => {
      const config = configs[name] as ModelConfig;
      const { peak } = plan(config, { batchSize }).inference.F32;
      const length = config.contextLength as number;
      const tokens = tensor2d(new Int32Array(batchSize * length), [batchSize, length], "int32");
      const positions = tensor2d(
        Int32Array.from({ length: batchSize * length }, (_, i) => i % length),
        tokens.shape,
        "int32",
      );
      const measured = await peakBytes(async () => {
        const model = create(config) as ReturnType<typeof createGpt2>;
        const kept = new KeyValueCache(batchSize, length);
        const logits = model.forward(tokens, { cache: kept, positions, lastOnly: true });
        await logits.data();
        logits.dispose();
        dispose(model);
        kept.dispose();
      });
      disposeTensors([tokens, positions]);
      expectClose(peak, measured);
    },
  );

  it.each(["GPT-2", "Llama", "Mistral", "ALiBi"])(
    "knows the peak of a prompt that is read in chunks: %s",
    async (name) => {
      const config = { ...(configs[name] as ModelConfig), contextLength: 4096 };
      const { peak } = plan(config).inference.F32;
      const prompt = Array.from({ length: 4000 }, (_, i) => i % 65);
      const measured = await peakBytes(async () => {
        const model = create(config) as ReturnType<typeof createGpt2>;
        for await (const _ of generate(model, prompt, { maxNewTokens: 96 })) break;
        dispose(model);
      });
      expectClose(peak, measured);
    },
  );
});
