/** `npm start`: installs what is missing, then trains a small GPT on Shakespeare. */
import { commandArguments, ensureInstalled, exitWith, runTypeScript } from "./setup.mjs";

await exitWith(async () => {
  await ensureInstalled();
  return runTypeScript("examples/shakespeare/src/main.ts", commandArguments());
});
