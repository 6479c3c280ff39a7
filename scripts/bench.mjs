/** `npm run bench -- NAME`: installs what is missing, then measures Tessera beside its peers. */
import { runProgram } from "./program.mjs";
import { commandArguments, exitWith } from "./setup.mjs";

await exitWith(() => runProgram("benchmarks/src/main.ts", commandArguments()));
