import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findCorpus } from "@tessera-examples/common";
import { type BackendName, useBackend } from "@tessera-lm/backend";
import { loadGguf, loadModel, saveGguf, saveModel } from "@tessera-lm/gpt/node";
import { dispose } from "@tessera-lm/layers";
import { tokenizerToGguf } from "@tessera-lm/tokenizer/gguf";
import { trainBytePair } from "@tessera-lm/tokenizer/train";
import { type BenchmarkOptions, requireKnown } from "../benchmark.ts";
import { nodePeers } from "../node-peers.ts";
import { pythonWith } from "../python.ts";
import { learned, type Model, type Subject, smallModels, stories, storiesFolder } from "./cases.ts";
import { openLlama, readInLlama } from "./llama.ts";
import { type Reading, readHere, type Task } from "./reading.ts";
import { type RoundTrip, toRoundTrip } from "./round-trip.ts";
import { Transformers } from "./transformers.ts";

const STORIES = "stories260K";
const FORMATS = ["F32", "F16", "Q8_0"] as const;
const TEXTS = ["Once upon a time, there was a little girl.", " naïve café: 日本語 🙂\n\n\tx=1234567; don't", "a  b"];

interface Peers {
  readonly transformers: Transformers;
  readonly llama: Awaited<ReturnType<typeof openLlama>>;
}

/** Small models of every family to transformers and back, and to llama.cpp and back: the same texts, the same perplexity. */
export async function* roundTrips({ presets, backend, say }: BenchmarkOptions): AsyncGenerator<RoundTrip> {
  requireKnown(presets, [...Object.keys(smallModels), STORIES]);
  const python = await pythonWith(["torch", "transformers"], say);
  const llama = await openLlama(await nodePeers(say));
  await useBackend(backend as BackendName | undefined);
  const transformers = new Transformers(python);
  try {
    for await (const [name, subject] of subjects(presets, say)) yield* compare(name, subject, { transformers, llama });
  } finally {
    transformers.end();
    await llama.dispose();
  }
}

async function* subjects(
  presets: readonly string[] = [...Object.keys(smallModels), STORIES],
  say: BenchmarkOptions["say"],
): AsyncGenerator<[string, Subject]> {
  const small = Object.entries(smallModels).filter(([name]) => presets.includes(name));
  if (small.length > 0) {
    const { text } = await findCorpus(undefined);
    const tokenizer = trainBytePair([text], { vocabSize: 512, specialTokens: ["<|endoftext|>"] });
    const ids = tokenizer.encode(text);
    for (const [name, make] of small) {
      say(`${name}: learning …`);
      yield [name, await learned(make, tokenizer, ids)];
    }
  }
  if (!presets.includes(STORIES)) return;
  const folder = storiesFolder();
  if (folder !== undefined) yield [STORIES, await stories(folder)];
  else say(`${STORIES} is left out: TESSERA_BENCH_DATA names no folder with weights/stories260K.`);
}

async function* compare(name: string, subject: Subject, peers: Peers): AsyncGenerator<RoundTrip> {
  const folder = await mkdtemp(join(tmpdir(), "tessera-round-trips-"));
  try {
    yield await throughTransformers(name, subject, folder, peers);
    for (const format of FORMATS) yield await throughGguf(name, subject, join(folder, `${format}.gguf`), format, peers);
  } finally {
    dispose(subject.model);
    await rm(folder, { recursive: true });
  }
}

async function throughTransformers(name: string, subject: Subject, folder: string, peers: Peers): Promise<RoundTrip> {
  const task = taskOf(subject, subject.model.contextLength);
  const [there, back] = [join(folder, "there"), join(folder, "back")];
  await saveModel(subject.model, there);
  const peer = await peers.transformers.read(there, back, task);
  const [before, again] = [await readHere(subject.model, task), await readAndDispose(await loadModel(back), task)];
  return toRoundTrip({ name, format: "folder", peerName: "transformers", before, peer, again });
}

async function throughGguf(
  name: string,
  subject: Subject,
  path: string,
  format: (typeof FORMATS)[number],
  { llama }: Peers,
): Promise<RoundTrip> {
  const { model, tokenizer } = subject;
  await saveGguf(model, path, { type: format, tokenizer: tokenizerToGguf(tokenizer) });
  const { model: loaded } = await loadGguf(path);
  const task = taskOf(subject, loaded.contextLength); // a sliding window is the context there
  // SentencePiece may drop blanks, which llama.cpp never does: texts as the tokenizer gives them back.
  const ids = TEXTS.map((text) => tokenizer.encode(text));
  const { encoded, ...peer } = await readInLlama(
    llama,
    path,
    task,
    ids.map((each) => tokenizer.decode(each)),
  );
  const sameIds = ids.every((each, i) => String(encoded[i]) === String(each));
  const [before, again] = [await readHere(model, task), await readAndDispose(loaded, task)];
  return toRoundTrip({ name, format, peerName: "llama.cpp", before, peer, again, sameIds });
}

async function readAndDispose(model: Model, task: Task): Promise<Reading> {
  try {
    return await readHere(model, task);
  } finally {
    dispose(model);
  }
}

/** As much text as fits, 256 tokens at most, and so much writing. */
function taskOf({ ids }: Subject, contextLength: number): Task {
  const text = Array.from(ids.subarray(0, Math.min(contextLength, 256)));
  return { ids: text, prompt: text.slice(0, 8), newTokens: Math.min(48, text.length - 8) };
}
