/** Behind `npm start`, `npm run example` and `npm run bench`. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ensureAddon } from "./engine/addon.mjs";
import { ensureInstalled, root, runTypeScript } from "./setup.mjs";

/**
 * Installs what is missing, builds the engine if it is stale and the program needs it, then runs a program of this
 * repository.
 * @param {string} file path relative to the repository, in the folder `src` of its package
 * @param {readonly string[]} args
 * @returns {Promise<number>} its exit code
 */
export async function runProgram(file, args) {
  await ensureInstalled();
  if (!args.includes("--help") && computes(file)) await ensureAddon();
  return runTypeScript(file, args);
}

/** @param {string} file */
function computes(file) {
  const { dependencies = {} } = JSON.parse(readFileSync(join(root, file, "../../package.json"), "utf8"));
  return "@tessera-lm/backend" in dependencies;
}
