import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Contestant } from "../contestant.ts";
import type { Course, TrainCase, TrainSettings } from "./cases.ts";

/** What else a contestant may be told. */
export interface TrainVariant {
  readonly backend?: string;
  readonly course?: Course;
}

/** Our program of a training case. */
export function startOurs(trainCase: TrainCase, variant: TrainVariant): Contestant {
  const settings = JSON.stringify(settingsOf(trainCase, variant));
  return new Contestant(process.execPath, [...process.execArgv, file("ours.ts"), settings]);
}

/** PyTorch's program of the same case. */
export function startPeer(python: string, trainCase: TrainCase, variant: TrainVariant): Contestant {
  return new Contestant(python, [file("peer.py"), JSON.stringify(settingsOf(trainCase, variant))]);
}

function settingsOf({ preset, vocabSize, checkpointing = false }: TrainCase, variant: TrainVariant): TrainSettings {
  const { contextLength, numLayers, numHeads, width, batchSize } = preset;
  const sizes = { vocabSize, contextLength, numLayers, numHeads, width, batchSize };
  return { ...sizes, checkpointing, threads: availableParallelism(), ...variant };
}

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
