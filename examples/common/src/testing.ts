import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createGpt2 } from "@tessera-lm/gpt";
import { saveModel } from "@tessera-lm/gpt/node";
import { characterTokenizer } from "@tessera-lm/tokenizer";
import { saveTokenizer } from "@tessera-lm/tokenizer/node";

/** How a program ended, and all that it wrote. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts an example as its users do, in a process of its own. */
export function startExample(name: string, args: readonly string[]): { child: ChildProcess; ended: Promise<Ended> } {
  const main = fileURLToPath(new URL(`../../${name}/src/main.ts`, import.meta.url));
  const node = ["--conditions=@tessera-lm/source", "--import", "tsx", main, ...args];
  const env = { ...process.env, NO_COLOR: "1" }; // CI asks for colours even where nobody sees them
  const child = spawn(process.execPath, node, { env });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<Ended>((resolve) => child.once("close", (code) => resolve({ code, stdout, stderr })));
  return { child, ended };
}

export const runExample = (name: string, ...args: readonly string[]): Promise<Ended> => startExample(name, args).ended;

/** An empty folder of the test's own. */
export const temporaryFolder = (): Promise<string> => mkdtemp(join(tmpdir(), "tessera-example-"));

/** A model folder with a tiny untrained GPT and the printable characters of ASCII. */
export async function tinyModelFolder(parent: string): Promise<string> {
  const printable = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join("");
  const tokenizer = characterTokenizer(`\n${printable}`);
  const config = { vocabSize: tokenizer.vocabSize, contextLength: 32, numLayers: 1, numHeads: 2, width: 16 };
  const folder = join(parent, "tiny");
  await mkdir(folder);
  await saveModel(createGpt2(config, 1), folder);
  await saveTokenizer(tokenizer, folder);
  return folder;
}
