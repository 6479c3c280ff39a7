/** The Node addon of this machine: built from source when cargo is there and the sources have changed. */
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { engineFolder, findCargo, runCargo, showProgress } from "./cargo.mjs";

const folder = join(engineFolder, "native");
const musl = process.platform === "linux" && !(/** @type {any} */ (process.report.getReport()).header.glibcVersionRuntime);
const file = join(folder, `tessera.${process.platform}-${process.arch}${musl ? "-musl" : ""}.node`);
const marker = `${file}.sources`;

/**
 * Builds the addon unless it is up to date. Everything works without it, more slowly: what hinders the build is said in
 * one line on standard error and is no failure.
 * @param {(line: string) => void} [progress] gets what cargo writes
 * @returns {Promise<string | undefined>} the problem, or undefined if the addon is there
 */
export async function ensureAddon(progress = showProgress) {
  const sources = fingerprint();
  if (existsSync(file) && existsSync(marker) && readFileSync(marker, "utf8") === sources) return undefined;
  // An old addon would not fit to the TypeScript that calls it.
  rmSync(file, { force: true });
  const problem = await build(progress);
  if (problem === undefined) writeFileSync(marker, sources);
  else process.stderr.write(`The engine's WebAssembly is used, on one thread: ${problem}.\n`);
  return problem;
}

/** @param {(line: string) => void} progress */
async function build(progress) {
  const cargo = findCargo();
  if ("problem" in cargo) return `${cargo.problem} to build the native one (https://rustup.rs)`;
  process.stderr.write("Building the engine with cargo (once; about a minute) …\n");
  const started = Date.now();
  const args = ["build", "--release", "--locked", "--package", "tessera-node"];
  const { code, output } = await runCargo(args, cargo.env, progress);
  if (code !== 0) return `cargo did not build the native one (${reason(output)}; \`npm run build:engine\` shows all)`;
  install();
  process.stderr.write(`Built in ${((Date.now() - started) / 1000).toFixed(1)} s.\n`);
  return undefined;
}

/** Puts the library in place in one step: a program may be running with the one that is there. */
function install() {
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(engineFolder, "target", "release", libraryName("tessera_node")), `${file}.new`);
  renameSync(`${file}.new`, file);
}

/**
 * What cargo calls a dynamic library.
 * @param {string} crate
 * @param {string} platform as `process.platform`
 */
export function libraryName(crate, platform = process.platform) {
  if (platform === "win32") return `${crate}.dll`;
  return platform === "darwin" ? `lib${crate}.dylib` : `lib${crate}.so`;
}

/** @param {string} output of the failed build */
function reason(output) {
  const line = output.split("\n").find((line) => line.startsWith("error")) ?? "it ended without a message";
  return line.replace(/^error(\[\w+\])?: /, "");
}

/** The sources, in one hash. */
function fingerprint() {
  const hash = createHash("sha256");
  const crates = readdirSync(join(engineFolder, "crates"), { recursive: true, withFileTypes: true });
  const files = crates.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  const manifests = ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml"].map((name) => join(engineFolder, name));
  for (const path of [...manifests, ...files.sort()]) hash.update(path.slice(engineFolder.length)).update(readFileSync(path));
  return hash.digest("hex");
}
