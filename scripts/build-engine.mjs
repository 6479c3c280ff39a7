/** `npm run build:engine`: the Node addon of this machine and the WebAssembly module that is committed. */
import { buildAddon } from "./engine/addon.mjs";
import { findCargo } from "./engine/cargo.mjs";
import { updateWasm } from "./engine/wasm.mjs";
import { exitWith, SetupError } from "./setup.mjs";

await exitWith(async () => {
  const show = (/** @type {string} */ line) => process.stderr.write(`${line}\n`);
  const cargo = findCargo();
  if ("problem" in cargo) throw new SetupError(`The engine cannot be built: ${cargo.problem} (https://rustup.rs).`);
  const outcomes = [await buildAddon(cargo.env, show), await updateWasm(show)];
  for (const outcome of outcomes) if ("skipped" in outcome) throw new SetupError(`${outcome.skipped}.`);
  return outcomes.every((outcome) => "code" in outcome && outcome.code === 0) ? 0 : 1;
});
