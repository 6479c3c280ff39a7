/** `npm start`: installs what is missing, then trains a small GPT on Shakespeare. */
import { runProgram } from "./program.mjs";
import { commandArguments, exitWith } from "./setup.mjs";

await exitWith(() => runProgram("examples/shakespeare/src/main.ts", commandArguments()));
