/** `npm run bench -- NAME`: installs what is missing, then measures Tessera beside its peers. */
import { commandArguments, ensureInstalled, exitWith, runTypeScript } from "./setup.mjs";

await exitWith(async () => {
  await ensureInstalled();
  return runTypeScript("benchmarks/src/main.ts", commandArguments());
});
