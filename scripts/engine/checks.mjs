/** What `npm test` checks about the engine in Rust. */
import { buildAddon } from "./addon.mjs";
import { findCargo, hasTarget, output, pinnedRelease, runCargo } from "./cargo.mjs";
import { compareWasm } from "./wasm.mjs";

/**
 * How a check went: the exit code and what was written, or why it was left out.
 * @typedef {{ code: number | null, output: string } | { skipped: string }} Outcome
 */

const arm = "aarch64-unknown-linux-gnu";

/** @type {readonly (readonly [name: string, check: () => Promise<Outcome>])[]} */
export const engineChecks = [
  ["engine: format", () => pinnedCargo(["fmt", "--check"])],
  ["engine: lints", () => pinnedCargo(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])],
  ["engine: addon", addon],
  ["engine: WebAssembly", compareWasm],
  ["engine: tests", () => cargo(["test", "--workspace", "--locked"])],
  ["engine: tests on AVX2", () => testsOnIntel("avx2")],
  ["engine: tests on SSE2", () => testsOnIntel("baseline")],
  ["engine: tests on NEON", testsOnArm],
];

/**
 * @param {readonly string[]} args of which the first may be a subcommand that is not installed
 * @param {NodeJS.ProcessEnv} [env] variables to add
 * @returns {Promise<Outcome>}
 */
async function cargo(args, env) {
  const found = findCargo();
  if ("problem" in found) return { skipped: found.problem };
  if (output("cargo", [args[0], "--help"], found.env) === undefined) return { skipped: `there is no cargo ${args[0]}` };
  return runCargo(args, { ...found.env, ...env });
}

/**
 * Each release of Rust formats and lints a little differently.
 * @param {readonly string[]} args
 * @returns {Promise<Outcome>}
 */
async function pinnedCargo(args) {
  const found = findCargo();
  const pinned = pinnedRelease();
  if ("problem" in found || found.version === pinned) return cargo(args);
  return { skipped: `it is for Rust ${pinned}, and here is ${found.version}` };
}

/** @returns {Promise<Outcome>} */
async function addon() {
  const found = findCargo();
  return "problem" in found ? { skipped: found.problem } : buildAddon(found.env);
}

/**
 * The tests of the kernels with a lesser instruction set than this processor's best.
 * @param {"avx2" | "baseline"} level
 * @returns {Promise<Outcome>}
 */
async function testsOnIntel(level) {
  if (process.arch !== "x64") return { skipped: `this processor is ${process.arch}` };
  return cargo(["test", "--locked", "--package", "tessera-kernels", "--lib"], { TESSERA_SIMD: level });
}

/** @returns {Promise<Outcome>} */
async function testsOnArm() {
  if (process.arch === "arm64") return { skipped: "it is this processor's own instruction set" };
  const found = findCargo();
  if ("problem" in found) return { skipped: found.problem };
  for (const program of ["qemu-aarch64", "aarch64-linux-gnu-gcc"])
    if (output(program, ["--version"], found.env) === undefined) return { skipped: `there is no ${program}` };
  if (!hasTarget(found.env, arm)) return { skipped: `Rust's target ${arm} is not installed` };
  return cargo(["test", "--locked", "--package", "tessera-kernels", "--lib", "--target", arm], {
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER: "aarch64-linux-gnu-gcc",
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER: "qemu-aarch64 -L /usr/aarch64-linux-gnu",
  });
}
