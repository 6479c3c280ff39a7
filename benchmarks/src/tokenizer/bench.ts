import { type Benchmark, requireKnown } from "../benchmark.ts";
import { pythonWith } from "../python.ts";
import type { Row } from "../row.ts";
import { vocabularies } from "./contestants.ts";
import { fileRow } from "./file-row.ts";
import { firstPassRow, type Surroundings, steadyRow, type TokenizerCase } from "./rows.ts";
import { dataFolder, englishTexts, otherLanguages, sourceCode } from "./texts.ts";
import { trainingRows } from "./training/rows.ts";

/** Rows by what they show. */
const groups: Readonly<Record<string, (around: Surroundings) => AsyncGenerator<Row>>> = {
  first: firstPasses,
  steady: steadyPasses,
  languages: foreignAndCode,
  decode: decoding,
  others: otherPeers,
  workers: bigFile,
  training: trainingRows,
};

/** Text to ids and back, beside tiktoken and others, on one thread; training beside Hugging Face's. `presets` are groups of rows. */
export const tokenizerBenchmark: Benchmark = async function* ({ presets, steps: rounds = 7, say }) {
  requireKnown(presets, Object.keys(groups));
  const python = await pythonWith(["tiktoken", "tokenizers"], say);
  const around = { dataFolder: dataFolder(), python, rounds, say };
  for (const [name, rows] of Object.entries(groups)) {
    if (presets === undefined || presets.includes(name)) yield* rows(around);
  }
};

async function* firstPasses(around: Surroundings): AsyncGenerator<Row> {
  for (const one of againstTiktoken(around)) yield await firstPassRow(one, around);
}

async function* steadyPasses(around: Surroundings): AsyncGenerator<Row> {
  for (const one of againstTiktoken(around)) yield await steadyRow(one, "encode", around);
}

async function* foreignAndCode(around: Surroundings): AsyncGenerator<Row> {
  for (const text of [otherLanguages(around.dataFolder), sourceCode()]) {
    for (const vocabulary of vocabularies) {
      yield await steadyRow({ vocabulary, text, peer: "tiktoken" }, "encode", around);
      yield await firstPassRow({ vocabulary, text, peer: "tiktoken" }, around);
    }
  }
}

async function* decoding(around: Surroundings): AsyncGenerator<Row> {
  for (const one of againstTiktoken(around)) yield await steadyRow(one, "decode", around);
}

async function* otherPeers(around: Surroundings): AsyncGenerator<Row> {
  const [text] = englishTexts(around.dataFolder) as [TokenizerCase["text"]];
  for (const peer of ["tokenizers", "huggingface-js"] as const) {
    yield await steadyRow({ vocabulary: "gpt2", text, peer }, "encode", around);
  }
  for (const peer of ["gpt-tokenizer", "tiktoken-wasm"] as const) {
    for (const vocabulary of vocabularies) yield await steadyRow({ vocabulary, text, peer }, "encode", around);
  }
}

async function* bigFile(around: Surroundings): AsyncGenerator<Row> {
  yield await fileRow(around);
}

/** Every vocabulary on every English text. */
function againstTiktoken({ dataFolder }: Surroundings): TokenizerCase[] {
  const texts = englishTexts(dataFolder);
  return vocabularies.flatMap((vocabulary) => texts.map((text) => ({ vocabulary, text, peer: "tiktoken" as const })));
}
