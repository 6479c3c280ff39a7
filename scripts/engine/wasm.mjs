/** The engine as WebAssembly, `packages/backend/wasm/tessera.wasm`: committed, and the same bytes wherever it is built. */
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { engineFolder, findPinnedCargo, portableFlags, runCargo, wasmTarget } from "./cargo.mjs";

/** @typedef {import("./checks.mjs").Outcome} Outcome */

const committed = join(engineFolder, "wasm", "tessera.wasm");
const built = join(engineFolder, "target", wasmTarget, "wasm", "tessera_wasm.wasm");

/** JavaScript puts the stack pointer back after a trap. */
const flags = ["-Ctarget-feature=+simd128", "-Clink-arg=--export=__stack_pointer"];

/**
 * Compiles it into cargo's target folder.
 * @param {(line: string) => void} [progress]
 * @returns {Promise<Outcome>}
 */
async function build(progress) {
  const cargo = findPinnedCargo();
  if ("problem" in cargo) return { skipped: cargo.problem };
  const env = { ...cargo.env, CARGO_ENCODED_RUSTFLAGS: portableFlags(flags) };
  const args = ["build", "--profile", "wasm", "--locked", "--package", "tessera-wasm", "--target", wasmTarget];
  return runCargo(args, env, progress);
}

/**
 * Builds it and puts it in place, to be committed.
 * @param {(line: string) => void} progress
 * @returns {Promise<Outcome>}
 */
export async function updateWasm(progress) {
  const result = await build(progress);
  if ("skipped" in result || result.code !== 0) return result;
  mkdirSync(dirname(committed), { recursive: true });
  copyFileSync(built, committed);
  return result;
}

/**
 * Builds it and compares the bytes with those that are committed.
 * @returns {Promise<Outcome>}
 */
export async function compareWasm() {
  if (process.platform !== "linux" || process.arch !== "x64")
    return { skipped: "the compiler names its symbols by the machine it runs on; the bytes are those of Linux on x64" };
  const result = await build();
  if ("skipped" in result || result.code !== 0) return result;
  if (readFileSync(built).equals(readFileSync(committed))) return result;
  const output = "wasm/tessera.wasm is not what its sources give: run `npm run build:engine` and commit it.";
  return { code: 1, output };
}
