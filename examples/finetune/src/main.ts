/** Teaches a trained model another text with low-rank adapters: `npm run example -- finetune`. */
import { join } from "node:path";
import {
  createCommand,
  findCorpus,
  findModelFolder,
  interruptSignal,
  nextRunFolder,
  nonNegativeInteger,
  nonNegativeNumber,
  passingOverUnknown,
  path,
  positiveInteger,
  runMain,
  runOfModel,
  takeFolder,
  UsageError,
  writeWholeText,
} from "@tessera-examples/common";
import { useBackend } from "@tessera-lm/backend";
import { inMemoryTokens, randomWindows, splitText } from "@tessera-lm/data";
import { perplexity } from "@tessera-lm/eval";
import { huggingFaceNames } from "@tessera-lm/gpt";
import { loadModel, saveModel } from "@tessera-lm/gpt/node";
import { applyLora, mergeLora } from "@tessera-lm/lora";
import { saveAdapter } from "@tessera-lm/lora/node";
import { loadTokenizer, saveTokenizer } from "@tessera-lm/tokenizer/node";
import {
  adamw,
  chain,
  clipByGlobalNorm,
  NonFiniteLossError,
  nextToken,
  train,
  warmupCosine,
} from "@tessera-lm/trainer";
import { makeFolder } from "@tessera-lm/weights/node";
import { projectDocuments } from "./project-documents.ts";

interface Options {
  readonly model?: string;
  readonly data?: string;
  readonly before?: string;
  readonly steps: number;
  readonly rank: number;
  readonly learningRate: number;
  readonly out?: string;
  readonly seed: number;
}

await runMain(async () => {
  const options = createCommand("npm run example -- finetune", "Teach a trained model another text with LoRA.")
    .option("--model <folder>", "a model folder, or the folder of a run (default: the last run)", path)
    .option("--data <file>", "the new text (default: this project's own documentation)", path)
    .option(
      "--before <file>",
      "the text that the model learned from (default: that of its run, or tiny Shakespeare)",
      path,
    )
    .option("--steps <number>", "how many steps", positiveInteger, 300)
    .option("--rank <number>", "width of the adapters", positiveInteger, 8)
    .option("--learning-rate <number>", "its peak", nonNegativeNumber, 3e-3)
    .option("--out <folder>", "where both models go (default: out/finetuned, or the next free number)", path)
    .option("--seed <number>", "seed of the adapters, the batches and the samples", nonNegativeInteger, 1)
    .parse()
    .opts<Options>();
  const { steps, rank, seed, out = nextRunFolder("finetuned") } = options;
  const folder = await findModelFolder(options.model);
  const before = await findCorpus(options.before ?? (await runOfModel(folder))?.data);
  const added = options.data === undefined ? await projectDocuments() : await findCorpus(options.data);
  await takeFolder(out);

  const backend = await useBackend();
  const model = await loadModel(folder);
  const tokenizer = passingOverUnknown(await loadTokenizer(folder));
  const texts = [before, added].map(({ text, source }) => ({ source, ...splitText(text, { validation: 0.1 }) }));
  const training = inMemoryTokens(tokenizer.encode(texts[1].training));

  /** Prints what the model writes, and how well it predicts the held-out tenth of each text. */
  const show = async (): Promise<void> => {
    const sample = await writeWholeText(model, tokenizer, "\n", { maxNewTokens: 300, temperature: 0.8, seed });
    console.log(sample.replace(/^/gm, "  │ "));
    for (const { source, validation } of texts) {
      const tokens = inMemoryTokens(tokenizer.encode(validation));
      const report = await perplexity(model, tokens, { maxWindows: 100, batchSize: 10 });
      console.log(`  perplexity ${report.perplexity.toFixed(2).padStart(8)}  ${source}`);
    }
  };
  console.log(`Before (${folder}, computed by ${backend.name}):`);
  await show();

  const adapter = applyLora(model, { targets: ["qkv", "output", "up", "down"], rank, alpha: 2 * rank, seed });
  const count = [...adapter.parameters().values()].reduce((sum, { size }) => sum + size, 0);
  console.log(
    `\nTraining ${grouped(count)} parameters of ${adapter.modules.size} adapters on ${grouped(training.length)} tokens:`,
  );
  const learningRate = warmupCosine({ peak: options.learningRate, warmupSteps: Math.floor(steps / 10), steps });
  const run = train({
    parameters: adapter.parameters(),
    objective: nextToken(model),
    batches: randomWindows(training, { batchSize: 8, contextLength: model.contextLength, seed }),
    optimizer: chain(clipByGlobalNorm(1), adamw({ learningRate })),
    steps,
    seed,
    signal: interruptSignal(),
  });
  try {
    for await (const event of run) {
      if (event.type !== "step-end" || event.step % Math.ceil(steps / 10) !== 0) continue;
      console.log(`step ${event.step}/${steps}  loss ${event.loss.toFixed(3)}`);
    }
  } catch (error) {
    if (!(error instanceof NonFiniteLossError)) throw error;
    throw new UsageError(
      `Step ${error.step}: the loss is ${error.loss} and the gradient norm ${error.gradientNorm}. Nothing was saved; start again with a lower --learning-rate than ${options.learningRate}.`,
    );
  }

  for (const part of ["adapter", "merged"]) await makeFolder(join(out, part));
  await saveAdapter(model, join(out, "adapter"), { moduleName: huggingFaceNames, baseModel: folder });
  mergeLora(model);
  await saveModel(model, join(out, "merged"));
  await saveTokenizer(await loadTokenizer(folder), join(out, "merged"));
  console.log("\nAfter:");
  await show();
  console.log(`\nAdapter  ${join(out, "adapter")}  (PEFT's layout)`);
  console.log(`Model    ${join(out, "merged")}  (adapter merged; Hugging Face's layout)`);
});

function grouped(count: number): string {
  return count.toLocaleString("en");
}
