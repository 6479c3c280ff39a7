/** Teaches a trained model another text with low-rank adapters: `npm run example -- finetune`. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import {
  createCommand,
  findCorpus,
  findModelFolder,
  nonNegativeInteger,
  passingOverUnknown,
  positiveInteger,
  runMain,
} from "@tessera-examples/common";
import { useBackend } from "@tessera-lm/backend";
import { inMemoryTokens, randomWindows, splitText, type TokenSource } from "@tessera-lm/data";
import { perplexity } from "@tessera-lm/eval";
import { type Gpt2, generate, huggingFaceNames } from "@tessera-lm/gpt";
import { loadModel, saveModel } from "@tessera-lm/gpt/node";
import { applyLora, mergeLora } from "@tessera-lm/lora";
import { saveAdapter } from "@tessera-lm/lora/node";
import type { Tokenizer } from "@tessera-lm/tokenizer";
import { loadTokenizer, saveTokenizer } from "@tessera-lm/tokenizer/node";
import { adamw, chain, clipByGlobalNorm, nextToken, train, warmupCosine } from "@tessera-lm/trainer";
import { projectDocuments } from "./project-documents.ts";

interface Options {
  readonly model?: string;
  readonly data?: string;
  readonly before?: string;
  readonly steps: number;
  readonly rank: number;
  readonly learningRate: number;
  readonly out: string;
  readonly seed: number;
}

await runMain(async () => {
  const options = createCommand("npm run example -- finetune", "Teach a trained model another text with LoRA.")
    .option("--model <folder>", "a model folder, or the folder of a run (default: the last run)")
    .option("--data <file>", "the new text (default: this project's own documentation)")
    .option("--before <file>", "the text that the model learned from (default: tiny Shakespeare)")
    .option("--steps <number>", "how many steps", positiveInteger, 300)
    .option("--rank <number>", "width of the adapters", positiveInteger, 8)
    .option("--learning-rate <number>", "its peak", Number, 3e-3)
    .option("--out <folder>", "where the adapter and the merged model go", "out/finetuned")
    .option("--seed <number>", "seed of the adapters, the batches and the samples", nonNegativeInteger, 1)
    .parse()
    .opts<Options>();
  const { steps, rank, seed } = options;
  const folder = await findModelFolder(options.model);
  const backend = await useBackend();
  const model = await loadModel(folder);
  const known = await loadTokenizer(folder);
  const tokenizer = passingOverUnknown(known);

  const oldText = await findCorpus(options.before);
  const newText = options.data === undefined ? await projectDocuments() : await findCorpus(options.data);
  const held = (text: string): TokenSource =>
    inMemoryTokens(tokenizer.encode(splitText(text, { validation: 0.1 }).validation));
  const texts = { [oldText.source]: held(oldText.text), [newText.source]: held(newText.text) };
  const training = inMemoryTokens(tokenizer.encode(splitText(newText.text, { validation: 0.1 }).training));

  console.log(`Before (${folder}, computed by ${backend.name}):`);
  await show(model, tokenizer, texts, seed);

  const adapter = applyLora(model, { targets: ["qkv", "output", "up", "down"], rank, alpha: 2 * rank, seed });
  const count = [...adapter.parameters().values()].reduce((sum, { size }) => sum + size, 0);
  console.log(
    `\nTraining ${count.toLocaleString("en")} parameters of ${adapter.modules.size} adapters on ${training.length.toLocaleString("en")} tokens:`,
  );
  const run = train({
    parameters: adapter.parameters(),
    objective: nextToken(model),
    batches: randomWindows(training, { batchSize: 8, contextLength: model.contextLength, seed }),
    optimizer: chain(
      clipByGlobalNorm(1),
      adamw({ learningRate: warmupCosine({ peak: options.learningRate, warmupSteps: Math.floor(steps / 10), steps }) }),
    ),
    steps,
    seed,
  });
  const tenth = Math.max(1, Math.floor(steps / 10));
  for await (const event of run) {
    if (event.type === "step-end" && event.step % tenth === 0)
      console.log(`step ${event.step}/${steps}  loss ${event.loss.toFixed(3)}`);
  }

  const adapterFolder = join(options.out, "adapter");
  const mergedFolder = join(options.out, "merged");
  await mkdir(mergedFolder, { recursive: true });
  await saveAdapter(model, adapterFolder, { moduleName: huggingFaceNames, baseModel: folder });
  mergeLora(model);
  await saveModel(model, mergedFolder);
  await saveTokenizer(known, mergedFolder);

  console.log("\nAfter:");
  await show(model, tokenizer, texts, seed);
  console.log(
    `\nAdapter  ${adapterFolder}  (PEFT's layout)\nModel    ${mergedFolder}  (adapter merged; Hugging Face's layout)`,
  );
});

/** What the model writes, and how well it predicts the held-out tenth of each text. */
async function show(
  model: Gpt2,
  tokenizer: Tokenizer,
  texts: Record<string, TokenSource>,
  seed: number,
): Promise<void> {
  const ids: number[] = [];
  for await (const id of generate(model, tokenizer.encode("\n"), { maxNewTokens: 300, temperature: 0.8, seed }))
    ids.push(id);
  console.log(tokenizer.decode(ids).replace(/^/gm, "  │ "));
  for (const [name, tokens] of Object.entries(texts)) {
    const { perplexity: value } = await perplexity(model, tokens, { maxWindows: 100, batchSize: 10 });
    console.log(`  perplexity ${value.toFixed(2).padStart(8)}  ${name}`);
  }
}
