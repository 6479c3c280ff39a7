import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PeerUnavailableError } from "../errors.ts";

/** A text to measure with, or several that are encoded one after the other. */
export interface TextCase {
  readonly name: string;
  readonly files: readonly string[];
}

/**
 * The folder with texts and vocabularies, which `TESSERA_BENCH_DATA` names.
 * @throws PeerUnavailableError if it does not
 */
export function dataFolder(): string {
  const folder = process.env["TESSERA_BENCH_DATA"];
  if (folder !== undefined && folder !== "") return folder;
  throw new PeerUnavailableError(
    "TESSERA_BENCH_DATA must name a folder with corpus/, langid/flores200/ and tokenizers/; benchmarks/README.md says what is in them.",
  );
}

export function englishTexts(folder: string): TextCase[] {
  const files = { tinyshakespeare: "tinyshakespeare.txt", "wikitext-2": "wikitext-2/test.raw.txt" };
  return Object.entries({ ...files, tinystories: "tinystories.txt" }).map(([name, file]) => ({
    name,
    files: [join(folder, "corpus", file)],
  }));
}

/** All languages but English, each a file. */
export function otherLanguages(folder: string): TextCase {
  const languages = join(folder, "langid/flores200");
  const files = readdirSync(languages).filter((name) => name.endsWith(".txt") && !name.startsWith("eng"));
  return { name: "other languages", files: files.sort().map((name) => join(languages, name)) };
}

/** This repository's own TypeScript and Rust. */
export function sourceCode(): TextCase {
  const packages = fileURLToPath(new URL("../../../packages", import.meta.url));
  return { name: "source code", files: filesBelow(packages).filter((path) => /\.(ts|rs)$/.test(path)) };
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      if (/^(node_modules|dist|target|\..*)$/.test(entry.name)) return [];
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(path) : [path];
    });
}

export function megabytes({ files }: TextCase): number {
  return files.reduce((sum, file) => sum + statSync(file).size, 0) / 1e6;
}

export function readTexts({ files }: Pick<TextCase, "files">): string[] {
  return files.map((file) => readFileSync(file, "utf8"));
}
