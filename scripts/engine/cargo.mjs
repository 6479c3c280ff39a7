/** Finding and running cargo for the engine in `packages/backend`. Plain JavaScript on Node's built-ins. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { root } from "../setup.mjs";

/** The folder of the cargo workspace. */
export const engineFolder = join(root, "packages", "backend");

export const wasmTarget = "wasm32-unknown-unknown";

export const noCargo = "there is no cargo";

/**
 * How to run cargo: its release and the environment; or, in words, why it cannot be run.
 * @typedef {{ version: string, env: NodeJS.ProcessEnv }} Cargo
 * @typedef {{ problem: string }} Missing
 */

/**
 * The cargo that builds the addon: of the pinned toolchain if that is installed, else the default one if it is new
 * enough. Nothing is downloaded.
 * @returns {Cargo | Missing}
 */
export function findCargo() {
  const own = { CARGO_TARGET_DIR: join(engineFolder, "target"), CARGO_BUILD_TARGET: undefined };
  const env = { ...process.env, ...own, RUSTUP_AUTO_INSTALL: "0" };
  const oldest = readEngineFile("Cargo.toml", /rust-version = "(.*)"/);
  const pinned = release(env);
  if (pinned !== undefined && isAtLeast(pinned, oldest)) return { version: pinned, env };
  const defaultEnv = { ...env, RUSTUP_TOOLCHAIN: output("rustup", ["default"], env)?.split(" ")[0] };
  const version = defaultEnv.RUSTUP_TOOLCHAIN === undefined ? pinned : release(defaultEnv);
  if (version === undefined) return { problem: noCargo };
  if (isAtLeast(version, oldest)) return { version, env: defaultEnv };
  return { problem: `cargo ${version} is too old (Rust ${oldest} or newer is needed)` };
}

/** The release of Rust that the committed WebAssembly is compiled by. */
export const pinnedRelease = () => readEngineFile("rust-toolchain.toml", /channel = "(.*)"/);

/**
 * The cargo of exactly the pinned release, with the WebAssembly target: only that one gives the committed bytes. Where
 * rustup is, it adds what is missing.
 * @returns {Cargo | Missing}
 */
export function findPinnedCargo() {
  const found = findCargo();
  if ("problem" in found) return found;
  const pinned = pinnedRelease();
  const install = ["toolchain", "install", pinned, "--profile", "minimal"];
  if (found.version !== pinned && output("rustup", install, found.env) === undefined)
    return { problem: `Rust ${pinned} is not installed and could not be added (there is ${found.version})` };
  const env = found.version === pinned ? found.env : { ...found.env, RUSTUP_TOOLCHAIN: pinned };
  if (!hasTarget(env, wasmTarget)) output("rustup", ["target", "add", wasmTarget], env);
  if (!hasTarget(env, wasmTarget)) return { problem: `Rust's target ${wasmTarget} is missing and could not be added` };
  return { version: pinned, env };
}

/**
 * Whether the standard library for a target is installed.
 * @param {NodeJS.ProcessEnv} env
 * @param {string} target such as `aarch64-unknown-linux-gnu`
 */
export function hasTarget(env, target) {
  const folder = output("rustc", ["--print", "target-libdir", "--target", target], env);
  return folder !== undefined && existsSync(folder);
}

/**
 * Compiler flags that keep this machine's folders out of what is built, for `CARGO_ENCODED_RUSTFLAGS`.
 * @param {readonly string[]} flags further ones
 */
export function portableFlags(flags = []) {
  const cargoHome = process.env.CARGO_HOME ?? join(homedir(), ".cargo");
  const remapped = [`${engineFolder}=tessera`, `${cargoHome}=cargo`].map((pair) => `--remap-path-prefix=${pair}`);
  return [...flags, ...remapped].join("\x1f");
}

/**
 * Runs cargo in the engine's folder.
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @param {(line: string) => void} [progress] gets each line that it writes
 * @returns {Promise<{ code: number | null, output: string }>}
 */
export function runCargo(args, env, progress) {
  const child = spawn("cargo", args, { cwd: engineFolder, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on("line", (line) => {
      output += `${line}\n`;
      progress?.(line);
    });
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject).once("close", (code) => resolve({ code, output }));
  });
}

/**
 * Shows the lines that say how far cargo is.
 * @param {string} line
 */
export function showProgress(line) {
  if (/^ +(Updating|Downloaded|Compiling|Blocking)/.test(line)) process.stderr.write(`${line}\n`);
}

/** @param {NodeJS.ProcessEnv} env */
const release = (env) => output("cargo", ["--version"], env)?.split(" ")[1];

/**
 * What a program answers, or undefined if it is not there or fails.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 */
export function output(command, args, env) {
  const { status, stdout } = spawnSync(command, args, { cwd: engineFolder, env, encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

/**
 * @param {string} file in the engine's folder
 * @param {RegExp} pattern with one group
 */
function readEngineFile(file, pattern) {
  return /** @type {string} */ (pattern.exec(readFileSync(join(engineFolder, file), "utf8"))?.[1]);
}

/**
 * @param {string} version such as `1.95.0`
 * @param {string} oldest such as `1.89`
 */
function isAtLeast(version, oldest) {
  const [[major, minor], [oldestMajor, oldestMinor]] = [version, oldest].map((text) => text.split(".").map(Number));
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}
