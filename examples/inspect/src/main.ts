/** Writes a page that shows what a model makes of a text: `npm run example -- inspect "To be, or not to be"`. */
import { basename } from "node:path";
import {
  createCommand,
  findModelFolder,
  passingOverUnknown,
  path,
  runMain,
  UsageError,
} from "@tessera-examples/common";
import { useBackend } from "@tessera-lm/backend";
import { inspectPage, summary } from "@tessera-lm/gpt";
import { loadModel } from "@tessera-lm/gpt/node";
import { loadTokenizer } from "@tessera-lm/tokenizer/node";
import { writeFileAtomic } from "@tessera-lm/weights/node";

interface Options {
  readonly model?: string;
  readonly tokenizer?: string;
  readonly out: string;
}

const SAMPLE = "To be, or not to be, that is the question:\nWhether 'tis nobler in the mind to suffer\n";

await runMain(async () => {
  const command = createCommand("npm run example -- inspect", "See what a model makes of a text.")
    .argument("[text]", "what it reads", SAMPLE)
    .option("--model <folder>", "a model folder, or the folder of a run (default: the last run)", path)
    .option("--tokenizer <path>", "a tokenizer's file or folder (default: the model's folder)", path)
    .option("--out <file>", "the page", path, path("out/inspect.html"))
    .parse();
  const { out, ...options } = command.opts<Options>();
  const folder = await findModelFolder(options.model);
  await useBackend();
  const model = await loadModel(folder);
  const tokenizer = passingOverUnknown(await loadTokenizer(options.tokenizer ?? folder));
  const all = tokenizer.encode(command.processedArgs[0] as string, { addSpecialTokens: true });
  if (all.length === 0)
    throw new UsageError("The model knows none of the characters of this text; give it another one.");
  console.log(`${summary(model)}\n`);

  const read = all.subarray(0, model.contextLength);
  if (read.length < all.length)
    console.log(`The model reads ${read.length} tokens; the other ${all.length - read.length} are left out.`);
  const page = await inspectPage(
    model,
    { ...tokenizer, encode: () => read, decode: (ids) => tokenizer.decode(ids) },
    "",
    {
      title: basename(folder),
    },
  );
  await writeFileAtomic(out, page);
  console.log(`Open ${out} in a browser.`);
});
