/**
 * llama.cpp's side of the decoding benchmark. Arguments: the folder where node-llama-cpp is installed, the GGUF file,
 * threads, tokens of the prompt, new tokens.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { serve } from "../serve.ts";

await serve(async () => {
  const [peers = "", file = "", ...numbers] = process.argv.slice(2);
  const [threads, promptLength, newTokens] = numbers.map(Number) as [number, number, number];
  const entry = createRequire(join(peers, "package.json")).resolve("node-llama-cpp");
  const { getLlama, LlamaLogLevel } = await import(pathToFileURL(entry).href);

  const logging = { logLevel: LlamaLogLevel.error, progressLogs: false };
  const llama = await getLlama({ gpu: false, build: "never", maxThreads: threads, ...logging });
  const model = await llama.loadModel({ modelPath: file });
  const context = await model.createContext({
    contextSize: promptLength + newTokens + 8,
    batchSize: promptLength,
    threads: { ideal: threads, min: threads },
  });
  const sequence = context.getSequence();
  const prompt = Array.from({ length: promptLength }, (_, i) => (7919 * i) % 50257);

  /** Reads the prompt but for its last token. */
  const prefill = async (): Promise<void> => {
    await sequence.clearHistory();
    await sequence.evaluateWithoutGeneratingNewTokens(prompt.slice(0, -1));
  };

  const decode = async (): Promise<number> => {
    let [count, last] = [0, 0];
    for await (const token of sequence.evaluate([prompt.at(-1)], { temperature: 0, yieldEogToken: true })) {
      last = token;
      if (++count === newTokens) break;
    }
    return last;
  };

  return {
    name: `node-llama-cpp, ${threads} threads`,
    async run(work) {
      if (work !== "prefill") await prefill();
      const started = performance.now();
      const check = work === "prefill" ? (await prefill(), 0) : await decode();
      return { check, milliseconds: performance.now() - started };
    },
  };
});
process.exit(0); // its threads would go on
