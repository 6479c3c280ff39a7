/**
 * llama.cpp's side of the decoding benchmark. It runs in the folder where node-llama-cpp is installed, without
 * TypeScript. Arguments: the GGUF file, threads, tokens of the prompt, new tokens.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [peers, file, ...numbers] = process.argv.slice(2);
const [threads, promptLength, newTokens] = numbers.map(Number);
const entry = createRequire(join(peers, "package.json")).resolve("node-llama-cpp");
const { getLlama, LlamaLogLevel } = await import(pathToFileURL(entry).href);

const llama = await getLlama({
  gpu: false,
  build: "never",
  logLevel: LlamaLogLevel.error,
  maxThreads: threads,
  progressLogs: false,
});
const model = await llama.loadModel({ modelPath: file });
const contextSize = promptLength + newTokens + 8;
const context = await model.createContext({
  contextSize,
  batchSize: promptLength,
  threads: { ideal: threads, min: threads },
});
const sequence = context.getSequence();
const prompt = Array.from({ length: promptLength }, (_, i) => (7919 * i) % 50257);

/** Reads the prompt but for its last token. */
async function prefill() {
  await sequence.clearHistory();
  await sequence.evaluateWithoutGeneratingNewTokens(prompt.slice(0, -1));
}

async function decode() {
  let count = 0;
  let last = 0;
  for await (const token of sequence.evaluate([prompt.at(-1)], { temperature: 0, yieldEogToken: true })) {
    last = token;
    if (++count === newTokens) break;
  }
  return last;
}

async function run(work) {
  if (work !== "prefill") await prefill();
  const started = performance.now();
  const check = work === "prefill" ? (await prefill(), 0) : await decode();
  return { taken: performance.now() - started, check };
}

const say = (answer) => console.log(JSON.stringify(answer));
say({ name: `node-llama-cpp, ${threads} threads` });
for await (const line of createInterface({ input: process.stdin })) {
  const [command, count, work] = line.split(" ");
  if (command === "memory") {
    say({ rssBytes: process.memoryUsage.rss(), peakRssBytes: process.resourceUsage().maxRSS * 1024 });
    continue;
  }
  const milliseconds = [];
  let check = 0;
  for (let i = 0; i < Number(count); i++) {
    const done = await run(work);
    milliseconds.push(done.taken);
    check = done.check;
  }
  say({ milliseconds, check });
}
process.exit(0);
