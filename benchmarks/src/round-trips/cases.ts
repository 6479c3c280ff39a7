import { existsSync } from "node:fs";
import { join } from "node:path";
import { inMemoryTokens, randomWindows } from "@tessera-lm/data";
import { readText } from "@tessera-lm/data/node";
import { createDecoder, createGpt2, type DecoderConfig, type Gpt2 } from "@tessera-lm/gpt";
import { loadModel } from "@tessera-lm/gpt/node";
import { parameters } from "@tessera-lm/layers";
import type { Tokenizer } from "@tessera-lm/tokenizer";
import { loadTokenizer } from "@tessera-lm/tokenizer/node";
import { adamw, chain, clipByGlobalNorm, nextToken, train, warmupCosine } from "@tessera-lm/trainer";

/** A GPT-2 or a decoder of ours. */
export type Model = Gpt2 | ReturnType<typeof createDecoder>;

/** A model that goes to others and back, and a text that it knows something about. */
export interface Subject {
  readonly model: Model;
  readonly tokenizer: Tokenizer;
  readonly ids: Uint32Array;
}

/** What all small models have; a context of 128 is four times that of the scalings, so that they matter. */
const SIZES = {
  vocabSize: 512,
  contextLength: 128,
  numLayers: 2,
  numHeads: 4,
  width: 64,
  beginOfText: 0,
  endOfText: 0,
};
const LLAMA: DecoderConfig = { ...SIZES, numKeyValueHeads: 2 };
const ORIGINAL = 32;

const decoder = (changes: Partial<DecoderConfig>) => (): Model => createDecoder({ ...LLAMA, ...changes }, 1);
const { beginOfText: _, ...GPT2 } = SIZES;

/** By name, the small models that are trained here for some seconds. */
export const smallModels: Readonly<Record<string, () => Model>> = {
  gpt2: () => createGpt2(GPT2, 1),
  "gpt2-no-biases": () => createGpt2({ ...GPT2, bias: false }, 1),
  llama: decoder({}),
  "llama-biases": decoder({ bias: true, tieEmbeddings: true, norm: "rms" }),
  "llama-linear": decoder({ ropeScaling: { type: "linear", factor: 4 } }),
  "llama-3": decoder({
    ropeTheta: 500_000,
    ropeScaling: {
      type: "llama3",
      factor: 8,
      lowFrequencyFactor: 1,
      highFrequencyFactor: 4,
      originalContextLength: ORIGINAL,
    },
  }),
  "llama-yarn": decoder({ ropeScaling: { type: "yarn", factor: 4, originalContextLength: ORIGINAL } }),
  "llama-factors": decoder({ ropeScaling: { type: "factors", factors: [1, 1, 1.5, 2, 3, 4, 4, 4] } }),
  mistral: decoder({ family: "mistral", slidingWindow: 64, headWidth: 32 }),
  qwen2: decoder({ family: "qwen2", queryKeyValueBias: true, normEpsilon: 1e-6, tieEmbeddings: true }),
  "qwen2-yarn": decoder({
    family: "qwen2",
    queryKeyValueBias: true,
    ropeTheta: 1_000_000,
    ropeScaling: { type: "yarn", factor: 4, originalContextLength: ORIGINAL },
  }),
};

/** A small model after 100 steps on a text. */
export async function learned(make: () => Model, tokenizer: Tokenizer, ids: Uint32Array): Promise<Subject> {
  const model = make();
  const steps = 100;
  const run = train({
    parameters: parameters(model),
    objective: nextToken(model),
    batches: randomWindows(inMemoryTokens(ids), { batchSize: 8, contextLength: SIZES.contextLength, seed: 1 }),
    optimizer: chain(
      clipByGlobalNorm(1),
      adamw({ learningRate: warmupCosine({ peak: 5e-3, warmupSteps: 20, steps }) }),
    ),
    steps,
  });
  for await (const _ of run);
  return { model, tokenizer, ids };
}

/** Where a model that others trained lies in the folder of test data; undefined without it. */
export function storiesFolder(): string | undefined {
  const folder = join(process.env["TESSERA_BENCH_DATA"] ?? "", "weights/stories260K");
  return existsSync(join(folder, "hf_layout")) ? folder : undefined;
}

/** The smallest model of llama2.c, in Hugging Face's layout, with SentencePiece's tokenizer. */
export async function stories(folder: string): Promise<Subject> {
  const tokenizer = await loadTokenizer(join(folder, "tok512.model"));
  const text = await readText(join(folder, "../../corpus/tinystories.txt"));
  const model = await loadModel(join(folder, "hf_layout"));
  return { model, tokenizer, ids: tokenizer.encode(text.slice(0, 4000)) };
}
