/** Behind `npm start`, `npm run example` and `npm run bench`. */
import { ensureAddon } from "./engine/addon.mjs";
import { ensureInstalled, runTypeScript } from "./setup.mjs";

/**
 * Installs what is missing, builds the engine if it is stale, then runs a program of this repository.
 * @param {string} file path relative to the repository
 * @param {readonly string[]} args
 * @returns {Promise<number>} its exit code
 */
export async function runProgram(file, args) {
  await ensureInstalled();
  if (!args.includes("--help")) await ensureAddon();
  return runTypeScript(file, args);
}
