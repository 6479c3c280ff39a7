/** Prints what a model takes before it is made: `npm run example -- plan gpt2-xl --batch-size 8`. */
import { createCommand, path, positiveInteger, runMain, UsageError } from "@tessera-examples/common";
import { useBackend } from "@tessera-lm/backend";
import { hardware, type ModelConfig, measureSpeed, plan } from "@tessera-lm/gpt";
import { readModelConfig } from "@tessera-lm/gpt/node";
import { presets } from "./presets.ts";

interface Options {
  readonly config?: string;
  readonly batchSize: number;
  readonly contextLength?: number;
  readonly tokens?: number;
  readonly rank: number;
}

await runMain(async () => {
  const names = Object.keys(presets).join(", ");
  const command = createCommand("npm run example -- plan", "What a model takes to train, to tune and to run.")
    .argument("[preset]", `one of ${names}`, "gpt2")
    .option("--config <folder>", "plan for the config.json of a folder instead", path)
    .option("--batch-size <number>", "texts of a step", positiveInteger, 4)
    .option("--context-length <number>", "tokens of a text (default: the model's context)", positiveInteger)
    .option("--tokens <number>", "tokens to train on (default: the best for the model)", positiveInteger)
    .option("--rank <number>", "of the LoRA adapter", positiveInteger, 8)
    .parse();
  const { config, rank, ...options } = command.opts<Options>();
  const [name] = command.processedArgs as [string];
  const model = config === undefined ? presetOf(name) : await readModelConfig(config);
  await useBackend();
  console.log(
    `${config ?? name}: ${plan(model, { ...options, lora: { rank }, hardware: [await measureSpeed(), ...hardware] })}`,
  );
});

function presetOf(name: string): ModelConfig {
  const preset = presets[name];
  if (preset !== undefined) return preset;
  throw new UsageError(
    `There is no preset "${name}"; choose one of ${Object.keys(presets).join(", ")}, or give --config.`,
  );
}
