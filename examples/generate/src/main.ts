/** Continues a prompt with a trained model, as the tokens come: `npm run example -- generate --model out/shakespeare`. */
import { existsSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import {
  createCommand,
  findModelFolder,
  nonNegativeInteger,
  nonNegativeNumber,
  passingOverUnknown,
  path,
  positiveInteger,
  positiveNumber,
  runMain,
  share,
  UsageError,
  writeText,
} from "@tessera-examples/common";
import { useBackend } from "@tessera-lm/backend";
import type { Decoder, Gpt2 } from "@tessera-lm/gpt";
import { loadGguf, loadModel } from "@tessera-lm/gpt/node";
import type { Tokenizer } from "@tessera-lm/tokenizer";
import { tokenizerFromGguf } from "@tessera-lm/tokenizer/gguf";
import { loadTokenizer } from "@tessera-lm/tokenizer/node";

interface Options {
  readonly model?: string;
  readonly prompt?: string;
  readonly tokens: number;
  readonly temperature: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly repetitionPenalty?: number;
  readonly stop?: readonly string[];
  readonly seed: number;
}

await runMain(async () => {
  const options = createCommand(
    "npm run example -- generate",
    "Continue a prompt, or without one line after line of yours.",
  )
    .option("--model <path>", "a model folder, the folder of a run, or a GGUF file (default: the last run)", path)
    .option("--prompt <text>", "what to continue; without it, type lines to continue")
    .option("--tokens <number>", "how many tokens to add", positiveInteger, 300)
    .option(
      "--temperature <number>",
      "0 takes the most probable token, 1 draws from the model as it is",
      nonNegativeNumber,
      0.8,
    )
    .option("--top-k <number>", "draw from the k most probable tokens", positiveInteger)
    .option("--top-p <share>", "draw from the most probable tokens that share this much", share)
    .option("--repetition-penalty <number>", "above 1 what has come is less probable", positiveNumber)
    .option("--stop <text...>", "end before this text")
    .option("--seed <number>", "the same seed gives the same text", nonNegativeInteger, 1)
    .parse()
    .opts<Options>();
  const { model, tokenizer } = await openModel(options.model);
  if (options.prompt !== undefined) return await write(model, tokenizer, options.prompt, options);

  console.log("Type the beginning of a text; an empty line ends.");
  const terminal = createInterface({ input: process.stdin, output: process.stdout, prompt: "> " });
  terminal.on("SIGINT", () => process.exit(130)); // it catches Ctrl-C, which would end the loop after the text
  terminal.prompt();
  for await (const line of terminal) {
    if (line === "") break;
    await write(model, tokenizer, `${line}\n`, options);
    terminal.prompt();
  }
  terminal.close();
});

/** A model and its tokenizer; a GGUF file holds both. */
async function openModel(named: string | undefined): Promise<{ model: Gpt2 | Decoder; tokenizer: Tokenizer }> {
  if (named !== undefined && /\.gguf$/i.test(named) && existsSync(named)) {
    await useBackend();
    const { model, metadata } = await loadGguf(named);
    if (!metadata.has("tokenizer.ggml.tokens")) throw new UsageError(`${named} holds a model without its tokenizer.`);
    return { model, tokenizer: passingOverUnknown(tokenizerFromGguf(metadata)) };
  }
  const folder = await findModelFolder(named);
  const tokenizer = passingOverUnknown(await loadTokenizer(folder)); // first, because a model takes longer
  await useBackend();
  return { model: await loadModel(folder), tokenizer };
}

/** Prints the prompt and its continuation, as it comes. */
async function write(model: Gpt2 | Decoder, tokenizer: Tokenizer, prompt: string, options: Options): Promise<void> {
  const { tokens: maxNewTokens, temperature, topK, topP, repetitionPenalty, stop: stopStrings, seed } = options;
  const generation = { maxNewTokens, temperature, topK, topP, repetitionPenalty, stopStrings, seed };
  requireKnown(tokenizer, prompt);
  const [length, { contextLength }] = [tokenizer.encode(prompt).length, model.config];
  if (length > contextLength)
    console.error(`Of the ${length} tokens the model reads at most the last ${contextLength}.`);
  process.stdout.write(prompt);
  try {
    for await (const piece of writeText(model, tokenizer, prompt, generation)) process.stdout.write(piece);
  } finally {
    process.stdout.write("\n"); // also before an error
  }
}

/** Says which characters the model passes over. @throws UsageError if those are all */
function requireKnown(tokenizer: Tokenizer, prompt: string): void {
  if (prompt === "") throw new UsageError("The prompt is empty; give the beginning of a text.");
  const characters = new Set(prompt.replace(/\s/g, ""));
  const unknown = [...characters].filter((character) => tokenizer.encode(character).length === 0);
  if (unknown.length === 0) return;
  if (unknown.length < characters.size)
    console.error(`The model does not know ${unknown.join(" ")} and passes over it.`);
  else throw new UsageError("The model knows none of the characters of this text; give it another one.");
}
