/** Packages that an optional backend needs: large, so they are no dependency and come only when they are asked for. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { engineFolder } from "./engine/cargo.mjs";
import { root, run, SetupError, toolFile } from "./setup.mjs";

/** TensorFlow.js as the workspace has it: with a second copy every kernel would be registered twice. */
const shared = ["@tensorflow/tfjs", "@tensorflow/tfjs-core", "@tensorflow/tfjs-backend-cpu"];

/**
 * Installs packages into a folder of their own, without running their install scripts.
 * @param {string} name of the folder in `.cache`
 * @param {Readonly<Record<string, string>>} dependencies
 * @returns {Promise<string>} the folder
 */
export async function installApart(name, dependencies) {
  const folder = join(root, ".cache", name);
  mkdirSync(folder, { recursive: true });
  const own = Object.fromEntries(shared.map((name) => [name, `link:${join(engineFolder, "node_modules", name)}`]));
  // tfjs-node imports tfjs-core without saying so in its manifest.
  const packageExtensions = { "@tensorflow/tfjs-node": { dependencies: { "@tensorflow/tfjs-core": "4.22.0" } } };
  const manifest = {
    private: true,
    dependencies: { ...own, ...dependencies },
    pnpm: { overrides: own, packageExtensions },
  };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  const flags = ["--ignore-workspace", "--ignore-scripts", "--no-frozen-lockfile", "--loglevel=error"];
  await step(Object.keys(dependencies).join(", "), process.execPath, [toolFile("pnpm"), "install", ...flags], folder);
  return folder;
}

/**
 * Lets `packages/backend` find a package as if it were installed there.
 * @param {string} folder that {@link installApart} gave
 * @param {string} name of the package
 */
export function link(folder, name) {
  const place = join(engineFolder, "node_modules", name);
  rmSync(place, { recursive: true, force: true });
  mkdirSync(dirname(place), { recursive: true });
  symlinkSync(join(folder, "node_modules", name), place, "junction");
}

/**
 * Runs a program that may take a while, and says what for.
 * @param {string} what
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} cwd
 */
export async function step(what, command, args, cwd) {
  process.stderr.write(`Setting up ${what} …\n`);
  const code = await run(command, args, { cwd, stdio: ["ignore", 2, 2] });
  if (code !== 0) throw new SetupError(`Could not set up ${what}: see above.`);
}
