/** The Node addon of this machine: built from source when cargo is there and the sources have changed. */
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { engineFolder, findCargo, noCargo, runCargo, showProgress } from "./cargo.mjs";

const folder = join(engineFolder, "native");
const file = join(folder, `tessera.${process.platform}-${process.arch}.node`);
const marker = `${file}.sources`;

/**
 * Builds the addon if its sources have changed and there is cargo. Everything works without it, more slowly, and the
 * program says so: what hinders the build is one line on standard error and no failure.
 * @returns {Promise<void>}
 */
export async function ensureAddon() {
  if (existsSync(file) && existsSync(marker) && readFileSync(marker, "utf8") === fingerprint()) return;
  const cargo = findCargo();
  if ("problem" in cargo) {
    // Who has never had it does without.
    if (cargo.problem !== noCargo || existsSync(file)) sayWhy(`${cargo.problem} (https://rustup.rs)`);
    return;
  }
  process.stderr.write("Building the engine with cargo (once; about a minute) …\n");
  const started = Date.now();
  const { code, output } = await buildAddon(cargo.env, showProgress);
  if (code !== 0) return sayWhy(`${reason(output)} (all of it: \`npm run build:engine\`)`);
  process.stderr.write(`Built in ${((Date.now() - started) / 1000).toFixed(1)} s.\n`);
}

/**
 * Builds the addon and puts it in place.
 * @param {NodeJS.ProcessEnv} env of cargo
 * @param {(line: string) => void} [progress] gets what cargo writes
 * @returns {Promise<{ code: number | null, output: string }>}
 */
export async function buildAddon(env, progress) {
  const sources = fingerprint();
  const result = await runCargo(["build", "--release", "--locked", "--package", "tessera-node"], env, progress);
  if (result.code !== 0) return result;
  try {
    install();
    writeFileSync(marker, sources);
    return result;
  } catch (error) {
    // Windows replaces no library that a program is running with.
    return { code: 1, output: `${result.output}error: ${/** @type {Error} */ (error).message}\n` };
  }
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

/** @param {string} why */
function sayWhy(why) {
  setAside();
  process.stderr.write(`The native engine was not built: ${why}. Going on without it.\n`);
}

/** An addon of other sources does not understand what ours would tell it. Windows renames what it does not delete. */
function setAside() {
  try {
    if (existsSync(file)) renameSync(file, `${file}.old`);
  } catch {
    process.stderr.write(`${file} is of other sources and in use: delete it.\n`);
  }
}

/** @param {string} output of the failed build */
function reason(output) {
  const line = output.split("\n").find((line) => line.startsWith("error")) ?? "cargo said nothing";
  return line.replace(/^error(\[\w+\])?: /, "");
}

/** The sources, in one hash. */
function fingerprint() {
  const hash = createHash("sha256");
  const crates = readdirSync(join(engineFolder, "crates"), { recursive: true, withFileTypes: true });
  const files = crates
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  const manifests = ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml"].map((name) => join(engineFolder, name));
  for (const path of [...manifests, ...files.sort()])
    hash.update(path.slice(engineFolder.length)).update(readFileSync(path));
  return hash.digest("hex");
}
