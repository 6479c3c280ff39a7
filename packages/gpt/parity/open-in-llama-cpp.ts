// Shows that llama.cpp opens our GGUF files, encodes with the tokenizer in them, and computes what we compute. In a clone:
//
//     npm install --prefix ~/.cache/tessera/llama-cpp --ignore-scripts node-llama-cpp
//     node --conditions=@tessera-lm/source --import tsx packages/gpt/parity/open-in-llama-cpp.ts TEXT FOLDER…
//
// TEXT is a text file to measure the perplexity on, each FOLDER a model with its tokenizer, as transformers saves it. The
// cache of llama.cpp is set to float32: by default it is float16, which changes the text of small models.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { tensor2d, tidy } from "@tensorflow/tfjs";
import { dispose, type LanguageModel } from "@tessera-lm/layers";
import type { Tokenizer } from "@tessera-lm/tokenizer";
import { tokenizerToGguf } from "@tessera-lm/tokenizer/gguf";
import { loadTokenizer } from "@tessera-lm/tokenizer/node";
import type { StorageType } from "@tessera-lm/weights";
import { generate } from "../src/index.ts";
import { loadGguf, loadModel, saveGguf } from "../src/node.ts";

/** The little of node-llama-cpp that is used here. */
interface LlamaModel {
  tokenize(text: string): number[];
  createContext(options: object): Promise<{ getSequence(): LlamaSequence; dispose(): Promise<void> }>;
  dispose(): Promise<void>;
}
interface LlamaSequence {
  evaluate(tokens: readonly number[], options: object): AsyncIterable<number>;
  controlledEvaluate(input: readonly unknown[]): Promise<{ next?: { logits?: ReadonlyMap<number, number> } }[]>;
}

const CONTEXT = 250;
const NEW_TOKENS = 64;
const TEXTS = ["Once upon a time, there was a little girl.", " naïve café: 日本語 🙂\n\n\tx=1234567; don't", "a  b"];
const TYPES: readonly StorageType[] = ["F32", "F16", "BF16", "Q8_0", "Q4_0"];

const [textFile, ...folders] = process.argv.slice(2);
const llamaFolder = join(homedir(), ".cache/tessera/llama-cpp/node_modules/node-llama-cpp/dist/index.js");
const { getLlama } = await import(pathToFileURL(llamaFolder).href);
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error", maxThreads: 2 });
const text = await readFile(textFile, "utf8");

for (const folder of folders) {
  const temporary = await mkdtemp(join(tmpdir(), "tessera-gguf-"));
  const tokenizer = await loadTokenizer(folder);
  const model = await loadModel(folder);
  const ids = Array.from(tokenizer.encode(text.slice(0, 4 * CONTEXT))).slice(0, CONTEXT);
  const reference = Math.exp(meanLoss(model, ids));
  console.log(`${basename(folder)}: our perplexity in float32 ${reference.toFixed(5)}`);
  for (const type of TYPES) {
    const path = join(temporary, `model-${type}.gguf`);
    await saveGguf(model, path, { type, tokenizer: tokenizerToGguf(tokenizer) });
    await compare(type, path, tokenizer, ids, reference);
  }
  dispose(model);
  await rm(temporary, { recursive: true });
}
await llama.dispose();

async function compare(
  type: string,
  path: string,
  tokenizer: Tokenizer,
  ids: readonly number[],
  reference: number,
): Promise<void> {
  const theirs: LlamaModel = await llama.loadModel({ modelPath: path, useMmap: false });
  const { model: ours } = await loadGguf(path);
  const tokenized = TEXTS.filter((each) => String(theirs.tokenize(each)) === String(tokenizer.encode(each))).length;
  const prompt = ids.slice(0, 8);
  const written = await greedy(theirs, prompt);
  const same = (await ourGreedy(ours, prompt)).findIndex((token, i) => token !== written[i]);
  const change = (value: number): string => `${value.toFixed(5)} (${(100 * (value / reference - 1)).toFixed(4)} %)`;
  const [our, their] = [Math.exp(meanLoss(ours, ids)), await perplexity(theirs, ids)];
  const agreement = same < 0 ? `all ${NEW_TOKENS} tokens` : `${same} of ${NEW_TOKENS} tokens`;
  console.log(
    `  ${type}: ${tokenized} of ${TEXTS.length} texts encoded alike; greedy text: ${agreement} alike; perplexity: ours ${change(our)}, llama.cpp's ${change(their)}`,
  );
  dispose(ours);
  await theirs.dispose();
}

function meanLoss(model: LanguageModel, ids: readonly number[]): number {
  const row = (of: readonly number[]) => tensor2d([...of], [1, of.length], "int32");
  return tidy(() => model.loss(row(ids.slice(0, -1)), row(ids.slice(1))).dataSync()[0]) / (ids.length - 1);
}

async function ourGreedy(model: Parameters<typeof generate>[0], prompt: readonly number[]): Promise<number[]> {
  const tokens: number[] = [];
  const options = { maxNewTokens: NEW_TOKENS, temperature: 0, stopTokens: [] };
  for await (const token of generate(model, prompt, options)) tokens.push(token);
  return tokens;
}

async function greedy(model: LlamaModel, prompt: readonly number[]): Promise<number[]> {
  const tokens: number[] = [];
  await withSequence(model, async (sequence) => {
    for await (const token of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
      if (tokens.push(token) === NEW_TOKENS) break;
    }
  });
  return tokens;
}

async function perplexity(model: LlamaModel, ids: readonly number[]): Promise<number> {
  let sum = 0;
  await withSequence(model, async (sequence) => {
    const wanted = ids.slice(0, -1).map((id) => [id, { generateNext: { logits: true } }]);
    const outputs = await sequence.controlledEvaluate(wanted);
    outputs.forEach(({ next }, i) => {
      const logits = next?.logits as ReadonlyMap<number, number>;
      let total = 0;
      for (const logit of logits.values()) total += Math.exp(logit);
      sum += Math.log(total) - (logits.get(ids[i + 1]) as number);
    });
  });
  return Math.exp(sum / (ids.length - 1));
}

async function withSequence(model: LlamaModel, run: (sequence: LlamaSequence) => Promise<void>): Promise<void> {
  const cache = { experimentalKvCacheKeyType: "F32", experimentalKvCacheValueType: "F32" };
  const context = await model.createContext({ contextSize: CONTEXT + 6, threads: 2, flashAttention: false, ...cache });
  try {
    await run(context.getSequence());
  } finally {
    await context.dispose();
  }
}
