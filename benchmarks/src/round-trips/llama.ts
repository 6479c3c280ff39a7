/** llama.cpp's side of the round trips, with its cache in float32: by default it is float16, which changes texts. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Reading, Task } from "./reading.ts";

/** The little of node-llama-cpp that is used here. */
interface Llama {
  loadModel(options: object): Promise<LlamaModel>;
  dispose(): Promise<void>;
}
interface LlamaModel {
  tokenize(text: string): number[];
  createContext(options: object): Promise<{ getSequence(): Sequence; dispose(): Promise<void> }>;
  dispose(): Promise<void>;
}
interface Sequence {
  evaluate(tokens: readonly number[], options: object): AsyncIterable<number>;
  controlledEvaluate(input: readonly unknown[]): Promise<{ next?: { logits?: ReadonlyMap<number, number> } }[]>;
}

/** @param peers the folder where node-llama-cpp is installed */
export async function openLlama(peers: string): Promise<Llama> {
  const entry = createRequire(join(peers, "package.json")).resolve("node-llama-cpp");
  const { getLlama } = await import(pathToFileURL(entry).href);
  return getLlama({ gpu: false, build: "never", logLevel: "error", progressLogs: false, maxThreads: 2 });
}

/** What llama.cpp makes of a GGUF file, and how it encodes some texts. */
export async function readInLlama(
  llama: Llama,
  path: string,
  task: Task,
  texts: readonly string[],
): Promise<Reading & { readonly encoded: readonly (readonly number[])[] }> {
  const model = await llama.loadModel({ modelPath: path, useMmap: false });
  try {
    const text = await withSequence(model, task, (sequence) => greedy(sequence, task));
    const loss = await withSequence(model, task, (sequence) => meanLoss(sequence, task.ids));
    return { text, loss, encoded: texts.map((each) => model.tokenize(each)) };
  } finally {
    await model.dispose();
  }
}

async function greedy(sequence: Sequence, { prompt, newTokens }: Task): Promise<number[]> {
  const tokens: number[] = [];
  for await (const token of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
    if (tokens.push(token) === newTokens) break;
  }
  return tokens;
}

async function meanLoss(sequence: Sequence, ids: readonly number[]): Promise<number> {
  const wanted = ids.slice(0, -1).map((id) => [id, { generateNext: { logits: true } }]);
  let sum = 0;
  for (const [i, { next }] of (await sequence.controlledEvaluate(wanted)).entries()) {
    const logits = next?.logits as ReadonlyMap<number, number>;
    const total = [...logits.values()].reduce((all, logit) => all + Math.exp(logit), 0);
    sum += Math.log(total) - (logits.get(ids[i + 1] as number) as number);
  }
  return sum / wanted.length;
}

async function withSequence<T>(model: LlamaModel, { ids }: Task, run: (sequence: Sequence) => Promise<T>): Promise<T> {
  const cache = { experimentalKvCacheKeyType: "F32", experimentalKvCacheValueType: "F32", flashAttention: false };
  const context = await model.createContext({ contextSize: ids.length, batchSize: ids.length, threads: 2, ...cache });
  try {
    return await run(context.getSequence());
  } finally {
    await context.dispose();
  }
}
