import { existsSync } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "@tessera-examples/common";
import { type Benchmark, type BenchmarkOptions, requireKnown } from "../benchmark.ts";
import { Contestant } from "../contestant.ts";
import { nodePeers } from "../node-peers.ts";
import { pythonWith, runPython } from "../python.ts";
import { type Row, toRow } from "../row.ts";
import { type Result, takeTurns } from "../turns.ts";
import { type DecodeCase, type DecodeSettings, decodeCases, type Format } from "./cases.ts";
import { memoryReadRate } from "./read-rate.ts";

/**
 * Reading a prompt and writing text after it, one sequence, beside PyTorch, llama.cpp and ONNX Runtime on the same model
 * and machine: tokens per second of both, and peak memory.
 */
export const decodeBenchmark: Benchmark = async function* (options) {
  requireKnown(options.presets, Object.keys(decodeCases));
  const python = await pythonWith(["torch", "transformers", "onnx", "gguf"], options.say);
  const peers = await nodePeers(options.say);
  const models = await makeModels(python, options.say);
  for (const [name, decodeCase] of Object.entries(decodeCases)) {
    if (options.presets === undefined || options.presets.includes(name)) {
      yield* await measure(name, decodeCase, { python, peers, models }, options);
    }
  }
};

/** What the contestants run on. */
interface Places {
  readonly python: string;
  readonly peers: string;
  readonly models: string;
}

/** The models of `make-models.py` in the cache folder, made once. */
async function makeModels(python: string, say: BenchmarkOptions["say"]): Promise<string> {
  const folder = join(cacheFolder(), "bench-decode");
  if (existsSync(folder)) return folder;
  say(`Making the models to compare in ${folder} (once) …`);
  const unfinished = `${folder}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await runPython(python, [file("make-models.py"), unfinished]);
  await rename(unfinished, folder);
  return folder;
}

async function measure(
  name: string,
  decodeCase: DecodeCase,
  places: Places,
  options: BenchmarkOptions,
): Promise<readonly Row[]> {
  const { promptLength, newTokens } = decodeCase;
  const contestants = startAll(decodeCase, places, options);
  const turns = (work: string, rounds: number): Promise<Result[]> =>
    takeTurns(contestants, { warmup: 1, rounds, runsPerRound: 1, work }, (line) =>
      options.say(`${work} ${name}: ${line}`),
    );
  try {
    const rounds = options.steps ?? decodeCase.rounds;
    const prefill = await turns("prefill", rounds);
    const before = await memoryReadRate(places.python);
    const decode = await turns("decode", rounds);
    const readRate = Math.max(before, await memoryReadRate(places.python));
    const share = await shareOfReadRate(decodeCase, places, readRate);
    return [
      ...compare(`prefill ${name}`, prefill, promptLength),
      ...compare(`decode ${name}`, decode, newTokens, share),
      ...compareMemory(`decode ${name} memory`, decode),
    ];
  } finally {
    await Promise.all(contestants.map((contestant) => contestant.end()));
  }
}

function startAll({ format, promptLength, newTokens }: DecodeCase, places: Places, { backend }: BenchmarkOptions) {
  const folder = join(places.models, "model");
  const settings: DecodeSettings = {
    folder,
    format,
    promptLength,
    newTokens,
    ...(backend !== undefined && { backend }),
  };
  const sizes = [availableParallelism(), promptLength, newTokens].map(String);
  const node = (program: string, ...args: string[]) =>
    new Contestant(process.execPath, [...process.execArgv, file(program), places.peers, ...args, ...sizes]);
  const ours = new Contestant(process.execPath, [...process.execArgv, file("ours.ts"), JSON.stringify(settings)]);
  const llama = node("llama.ts", join(places.models, ggufFiles[format]));
  if (format !== "F32") return [ours, llama];
  const torch = new Contestant(places.python, [file("peer.py"), folder, ...sizes]);
  return [ours, llama, node("onnx.ts", join(places.models, "model.onnx")), torch];
}

const ggufFiles: Readonly<Record<Format, string>> = { F32: "model-f32.gguf", Q8_0: "model-q8_0.gguf" };

/** Tokens per second, each of which reads all weights → how much that is of what this machine reads in a second. */
async function shareOfReadRate(
  { format }: DecodeCase,
  { models }: Places,
  readRate: number,
): Promise<(rate: number) => number> {
  const { size } = await stat(join(models, ggufFiles[format]));
  return (tokensPerSecond) => (tokensPerSecond * size) / readRate;
}

/** One row for each peer: tokens per second. */
function compare(
  name: string,
  [ours, ...peers]: readonly Result[],
  tokens: number,
  share?: (rate: number) => number,
): Row[] {
  const rates = ({ milliseconds }: Result): number[] => milliseconds.map((time) => (1000 * tokens) / time);
  return peers.map((peer) =>
    toRow({
      name,
      unit: "tokens/s",
      better: "higher",
      ours: rates(ours as Result),
      peer: rates(peer),
      ...(share !== undefined && { share }),
      ...namesOf(ours as Result, peer),
    }),
  );
}

function compareMemory(name: string, [ours, ...peers]: readonly Result[]): Row[] {
  return peers.map((peer) =>
    toRow({
      name,
      unit: "MB",
      better: "lower",
      ours: (ours as Result).peakMegabytes,
      peer: peer.peakMegabytes,
      ...namesOf(ours as Result, peer),
    }),
  );
}

function namesOf(ours: Result, peer: Result): { backend: string; peerName: string; reason?: string } {
  const reason = ours.failure ?? peer.failure;
  return { backend: ours.name || "default", peerName: peer.name || "peer", ...(reason !== undefined && { reason }) };
}

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
