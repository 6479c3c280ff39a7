/**
 * ONNX Runtime's side of the decoding benchmark. Arguments: the folder where onnxruntime-node is installed, the model,
 * threads, tokens of the prompt, new tokens.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [peers, file, ...numbers] = process.argv.slice(2);
const [threads, promptLength, newTokens] = numbers.map(Number);
const { InferenceSession, Tensor } = createRequire(join(peers, "package.json"))("onnxruntime-node");

const session = await InferenceSession.create(file, {
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  graphOptimizationLevel: "all",
});
const prompt = Array.from({ length: promptLength }, (_, i) => (7919 * i) % 50257);
const nothing = new Tensor("float32", new Float32Array(0), [24, 1, 12, 0, 64]);

async function step(tokens, past) {
  const ids = new Tensor("int64", BigInt64Array.from(tokens, BigInt), [1, tokens.length]);
  const { logits, present } = await session.run({ tokens: ids, past });
  const values = logits.data;
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return { past: present, token: best };
}

async function decode(start) {
  let { past, token } = start;
  for (let i = 0; i < newTokens; i++) ({ past, token } = await step([token], past));
  return token;
}

async function run(work) {
  const start = work === "prefill" ? undefined : await step(prompt, nothing);
  const started = performance.now();
  const check = start ? await decode(start) : (await step(prompt, nothing)).token;
  return { taken: performance.now() - started, check };
}

const say = (answer) => console.log(JSON.stringify(answer));
say({ name: `onnxruntime-node, ${threads} threads` });
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
