/** `npm run build:engine`: the Node addon of this machine and the WebAssembly module that is committed. */
import { ensureAddon } from "./engine/addon.mjs";
import { updateWasm } from "./engine/wasm.mjs";
import { exitWith, SetupError } from "./setup.mjs";

await exitWith(async () => {
  const show = (/** @type {string} */ line) => process.stderr.write(`${line}\n`);
  const problems = [await ensureAddon(show), await updateWasm(show)].filter((problem) => problem !== undefined);
  if (problems.length > 0) throw new SetupError(problems.join("\n"));
  return 0;
});
