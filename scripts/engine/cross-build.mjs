/**
 * `node scripts/engine/cross-build.mjs [NAME…]`: the addon for other platforms, each into its package in
 * `packages/backend/npm`; all that this system can build, or those that are named, such as `linux-arm64-musl`.
 *
 * Linux, and macOS from elsewhere, are linked by zig (`pip install cargo-zigbuild ziglang`), for Linux down to the glibc
 * of Node 20's own binaries; Windows from elsewhere by cargo-xwin, which downloads Microsoft's libraries.
 */
import { copyFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { commandArguments, exitWith, SetupError } from "../setup.mjs";
import { libraryName } from "./addon.mjs";
import { engineFolder, findCargo, output, portableFlags, runCargo } from "./cargo.mjs";

const packages = join(engineFolder, "npm");
const oldestGlibc = "2.28";

await exitWith(async () => {
  const cargo = findCargo();
  if ("problem" in cargo) throw new SetupError(`Nothing can be built: ${cargo.problem}.`);
  const names = commandArguments();
  for (const name of names.length > 0 ? names : readdirSync(packages)) await build(name, cargo.env);
  return 0;
});

/**
 * @param {string} name of the platform's folder
 * @param {NodeJS.ProcessEnv} cargoEnv
 */
async function build(name, cargoEnv) {
  const platform = readPlatform(name);
  const target = rustTarget(platform);
  const { subcommand, suffix } = linker(platform);
  output("rustup", ["target", "add", target], cargoEnv);
  process.stdout.write(`${name} … `);
  const args = ["--release", "--locked", "--package", "tessera-node", "--target", target + suffix];
  // An addon for musl is loaded by a program that has musl already.
  const flags = portableFlags(platform.libc === "musl" ? ["-Ctarget-feature=-crt-static"] : []);
  const env = { ...cargoEnv, CARGO_ENCODED_RUSTFLAGS: flags };
  const { code, output: log } = await runCargo([...subcommand, ...args], env);
  if (code !== 0) throw new SetupError(`failed\n${log}`);
  const library = join(engineFolder, "target", target, "release", libraryName("tessera_node", platform.os));
  copyFileSync(library, join(packages, name, "tessera.node"));
  process.stdout.write(`${(readFileSync(library).length / 1024).toFixed(0)} KB\n`);
}

/** @typedef {{ os: string, cpu: string, libc: string | undefined }} Platform */

/**
 * @param {string} name
 * @returns {Platform}
 */
function readPlatform(name) {
  const { os, cpu, libc } = JSON.parse(readFileSync(join(packages, name, "package.json"), "utf8"));
  return { os: os[0], cpu: cpu[0], libc: libc?.[0] };
}

/** @param {Platform} platform */
function rustTarget({ os, cpu, libc }) {
  const systems = { darwin: "apple-darwin", linux: `unknown-linux-${libc === "musl" ? "musl" : "gnu"}` };
  const system = os === "win32" ? "pc-windows-msvc" : systems[/** @type {keyof typeof systems} */ (os)];
  return `${cpu === "x64" ? "x86_64" : "aarch64"}-${system}`;
}

/**
 * Which of cargo's subcommands links for a platform.
 * @param {Platform} platform
 */
function linker({ os, libc }) {
  if (os === "linux") return { subcommand: ["zigbuild"], suffix: libc === "glibc" ? `.${oldestGlibc}` : "" };
  if (os === process.platform) return { subcommand: ["build"], suffix: "" };
  return { subcommand: os === "win32" ? ["xwin", "build"] : ["zigbuild"], suffix: "" };
}
