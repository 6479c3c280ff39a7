/** Shows a text as tokens and compares vocabularies, or learns one: `npm run example -- tokenizer "Some text"`. */
import { basename, join } from "node:path";
import { createCommand, path, positiveInteger, runMain, UsageError } from "@tessera-examples/common";
import { EmptyTextError } from "@tessera-lm/data";
import { readText } from "@tessera-lm/data/node";
import type { Tokenizer } from "@tessera-lm/tokenizer";
import { writeFileAtomic } from "@tessera-lm/weights/node";
import pc from "picocolors";
import type { ChartRow } from "./chart.ts";
import { humanRights, humanRightsName, type LanguageSample, readLanguages } from "./languages.ts";
import { renderPage } from "./page.ts";
import { piecesOf, tokenCount } from "./pieces.ts";
import { coloured } from "./terminal.ts";
import { trainAndSave } from "./train.ts";
import { findVocabularies, trainedVocabularies, type Vocabulary } from "./vocabularies.ts";

interface Options {
  readonly file?: string;
  readonly data?: string;
  readonly vocabularies?: string;
  readonly languages?: string;
  readonly train?: string;
  readonly vocabSize?: number;
  readonly out?: string;
}

const sampleText = `Call me naïve — don't you think 12,345.67 tokens are enough?
def area(radius):
\treturn 3.14159 * radius ** 2  # Zürich, façade
Привет, мир! नमस्ते दुनिया। 你好，世界。 こんにちは世界 👩‍👩‍👧 🙂`;

/** Longer texts make pages that nobody reads. */
const longestText = 4000;

await runMain(async () => {
  const command = createCommand("npm run example -- tokenizer", "See a text as tokens, and compare vocabularies.")
    .argument("[text]", "the text to show")
    .option("--file <file>", "the beginning of this file instead", path)
    .option("--data <file>", "learn two vocabularies from this text (default: tiny Shakespeare)", path)
    .option("--vocabularies <folder>", "compare the tokenizers in this folder too", path)
    .option("--languages <folder>", "the same sentences in files by language, as FLORES-200 has them", path)
    .option("--train <file>", "learn a vocabulary from this text and save it, and do nothing else", path)
    .option("--vocab-size <number>", "how many tokens --train learns (default: 8000)", positiveInteger)
    .option("--out <path>", "the page, or the folder of --train (default: out/tokens.html, out/tokenizer)", path)
    .parse();
  const options = command.opts<Options>();
  const [named] = command.args;
  if (options.train !== undefined) return learn(options.train, named, options);
  if (options.vocabSize !== undefined) throw new UsageError("--vocab-size goes with --train.");
  const text = await chosenText(named, options.file);
  const samples = options.languages === undefined ? humanRights() : await readLanguages(options.languages);

  const others = await otherVocabularies(options.vocabularies);
  const vocabularies = [...(await trainedVocabularies(options.data, (line) => console.log(pc.dim(line)))), ...others];

  const readings = vocabularies.map((vocabulary) => ({ ...vocabulary, pieces: piecesOf(vocabulary.tokenizer, text) }));
  for (const { name, tokenizer, pieces } of readings) {
    const count = tokenCount(pieces);
    console.log(
      `\n${pc.bold(name)}  ${count} tokens of ${tokenizer.vocabSize.toLocaleString("en")}\n${coloured(pieces)}`,
    );
  }

  const { out = join("out", "tokens.html") } = options;
  const page = renderPage({
    bytes: Buffer.byteLength(text),
    readings,
    languages: samples.map((sample) => languageRow(vocabularies, sample)).sort((a, b) => mean(a) - mean(b)),
    languageSource: options.languages === undefined ? humanRightsName : basename(options.languages),
  });
  await writeFileAtomic(out, page);
  console.log(`\nThe same as a page, with a chart of ${samples.length} languages: ${out}`);
});

async function learn(file: string, text: string | undefined, options: Options): Promise<void> {
  if (text !== undefined || options.file !== undefined)
    throw new UsageError("--train learns from its own file and shows no text; leave the other text out.");
  const { vocabSize = 8000, out: folder = join("out", "tokenizer") } = options;
  console.log(await trainAndSave({ file, vocabSize, folder }));
}

async function chosenText(named: string | undefined, file: string | undefined): Promise<string> {
  if (named !== undefined && file !== undefined)
    throw new UsageError("There are two texts, one as an argument and one as --file; give one of them.");
  if (named === "") throw new UsageError("The text is empty; give one that has characters.");
  return file === undefined ? (named ?? sampleText) : beginningOf(file);
}

async function beginningOf(file: string): Promise<string> {
  const text = await readText(file).catch((error: unknown) => {
    throw error instanceof EmptyTextError ? new UsageError(`${file} is empty; name a file that has text.`) : error;
  });
  return text.slice(0, longestText);
}

async function otherVocabularies(folder: string | undefined): Promise<readonly Vocabulary[]> {
  if (folder === undefined) return [];
  const { vocabularies, problems } = await findVocabularies(folder);
  for (const problem of problems) console.log(pc.dim(`passed over ${problem}`));
  if (vocabularies.length === 0) console.log(pc.dim(`${folder} holds no tokenizer that could be read.`));
  return vocabularies;
}

function languageRow(vocabularies: readonly Vocabulary[], { language, text, sentences }: LanguageSample): ChartRow {
  const encoded = vocabularies.map(({ tokenizer }) => tokenizer.encode(text));
  return {
    label: language,
    values: encoded.map((ids) => ids.length / sentences),
    doubtful: encoded.map((ids, index) => unknownShare((vocabularies[index] as Vocabulary).tokenizer, ids) > 0.02),
  };
}

/** How many of the tokens stand for what the vocabulary has no token for. */
function unknownShare(tokenizer: Tokenizer, ids: Uint32Array): number {
  const unknown = tokenizer.tokenId("<unk>") ?? tokenizer.tokenId("[UNK]");
  return ids.filter((id) => id === unknown).length / ids.length;
}

function mean({ values }: ChartRow): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
