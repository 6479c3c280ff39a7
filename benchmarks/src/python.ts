import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "@tessera-examples/common";
import { makeFolder } from "@tessera-lm/weights/node";
import { PeerUnavailableError } from "./errors.ts";

/** What the peers are made of. */
const requirements = [
  "torch==2.15.0",
  "numpy==2.4.6",
  "tiktoken==0.14.0",
  "tokenizers==0.23.3",
  "transformers==5.23.0",
  "onnx==1.23.2",
  "gguf==0.19.0",
];

/**
 * The path of a Python that can import what the peers need: the one that `TESSERA_BENCH_PYTHON` names, else our own
 * virtual environment in the cache folder, made when first asked for.
 * @throws PeerUnavailableError if there is no Python, or a module cannot be installed
 */
export async function pythonWith(modules: readonly string[], say: (line: string) => void): Promise<string> {
  const named = process.env["TESSERA_BENCH_PYTHON"];
  if (named !== undefined && named !== "") return checked(named, modules);
  const folder = join(cacheFolder(), "bench-python");
  const python = process.platform === "win32" ? join(folder, "Scripts", "python.exe") : join(folder, "bin", "python");
  const receipt = join(folder, "requirements.txt");
  const wanted = `${requirements.join("\n")}\n`;
  if (existsSync(receipt) && (await readFile(receipt, "utf8")) === wanted) return python;

  say(`Installing ${requirements.join(", ")} for comparison in ${folder} (once) …`);
  await rm(folder, { recursive: true, force: true });
  await makeFolder(folder);
  await makeEnvironment(folder);
  await install(python);
  await writeFile(receipt, wanted);
  return python;
}

/** Runs a program of ours to its end. @throws PeerUnavailableError if it fails */
export async function runPython(python: string, args: readonly string[]): Promise<void> {
  if ((await exitCode(python, args)) === 0) return;
  throw new PeerUnavailableError(`${args[0]} failed (see above).`);
}

async function checked(python: string, modules: readonly string[]): Promise<string> {
  const names = modules.join(", ");
  if ((await exitCode(python, ["-c", `import ${names}`])) === 0) return python;
  throw new PeerUnavailableError(
    `TESSERA_BENCH_PYTHON names ${python}, which does not run or cannot import ${names}. ${advice}`,
  );
}

async function makeEnvironment(folder: string): Promise<void> {
  for (const python of ["python3", "python"]) {
    if ((await exitCode(python, ["-m", "venv", folder])) === 0) return;
  }
  throw new PeerUnavailableError(
    `To compare, Python 3.11 or newer with its venv module is needed, and was not found. ${advice}`,
  );
}

async function install(python: string): Promise<void> {
  const args = ["-m", "pip", "install", "--disable-pip-version-check", "--quiet", ...requirements];
  if ((await exitCode(python, args)) === 0) return;
  throw new PeerUnavailableError(`pip could not install ${requirements.join(", ")} (see above). ${advice}`);
}

const advice = `Set TESSERA_BENCH_PYTHON to a Python that has ${requirements.join(", ")}.`;

/** Runs a program, its output on our standard error; 127 if there is none of this name. */
function exitCode(command: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ["ignore", 2, 2] });
    child.once("error", () => resolve(127));
    child.once("close", (code) => resolve(code ?? 1));
  });
}
