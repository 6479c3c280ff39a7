import { fileURLToPath } from "node:url";
import { Contestant } from "../contestant.ts";
import type { TextCase } from "./texts.ts";

export const vocabularies = ["gpt2", "cl100k", "o200k"] as const;

/** A published vocabulary, of which the data folder has the files. */
export type VocabularyName = (typeof vocabularies)[number];

/** What every contestant is told, as JSON in its last argument. */
export interface TokenizerSettings {
  readonly vocabulary: VocabularyName;
  readonly dataFolder: string;
  /** Texts that it holds ready. Its work is `encode` or `decode`, of all of them, one after the other. */
  readonly files: TextCase["files"];
}

/** Programs from elsewhere that do the same. */
export type PeerName = "tiktoken" | "tokenizers" | "gpt-tokenizer" | "tiktoken-wasm" | "huggingface-js";

export function startOurs(settings: TokenizerSettings): Contestant {
  return new Contestant(process.execPath, [...process.execArgv, file("ours.ts"), JSON.stringify(settings)]);
}

/** @param python one that has tiktoken and tokenizers */
export function startPeer(name: PeerName, settings: TokenizerSettings, python: string): Contestant {
  const told = [name, JSON.stringify(settings)];
  if (name !== "tiktoken" && name !== "tokenizers") {
    return new Contestant(process.execPath, [...process.execArgv, file("peer.ts"), ...told]);
  }
  const env = { ...process.env, RAYON_NUM_THREADS: "1", TOKENIZERS_PARALLELISM: "false" }; // one thread, as ours
  return new Contestant(python, [file("peer.py"), ...told], env);
}

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
