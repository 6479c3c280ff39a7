import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const BYTES = 20_000_000;

/** Folders of the data folder, each with the ends of the names of its texts. */
const sources: readonly (readonly [folder: string, ...ends: string[]])[] = [
  ["corpus", ".txt"],
  ["langid", ".txt"],
  ["neardup", ""],
  ["instruct", ".json", ".jsonl"],
  ["preference", ".json", ".jsonl"],
  ["html", ".html"],
];

/** Writes the first 20 MB of the data folder's prose, languages, instructions and web pages: always the same lines. */
export function writeMixedText(dataFolder: string, path: string): void {
  const utf8 = new TextDecoder();
  const texts = sources.flatMap(([folder, ...ends]) => {
    const names = readdirSync(join(dataFolder, folder), { recursive: true, withFileTypes: true });
    const files = names.filter((entry) => entry.isFile() && ends.some((end) => entry.name.endsWith(end)));
    const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort((a, b) => (a < b ? -1 : 1));
    return paths.map((file) => utf8.decode(readFileSync(file)));
  });
  const bytes = Buffer.from(texts.join("\n"));
  writeFileSync(path, bytes.subarray(0, bytes.lastIndexOf("\n", BYTES - 1) + 1));
}
