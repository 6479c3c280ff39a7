/** `npm run example -- NAME …` runs the example of that name; without one it lists them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runProgram } from "./program.mjs";
import { exitWith, root, SetupError } from "./setup.mjs";

const [name, ...args] = process.argv.slice(2);

await exitWith(async () => {
  if (name === undefined) return list();
  if (!examples().includes(name))
    throw new SetupError(`There is no example "${name}"; choose one of ${examples().join(", ")}.`);
  return runProgram(`examples/${name}/src/main.ts`, args);
});

function list() {
  for (const example of examples()) {
    const { description } = JSON.parse(readFileSync(join(root, "examples", example, "package.json"), "utf8"));
    process.stdout.write(`npm run example -- ${example.padEnd(12)} ${description}\n`);
  }
  return 0;
}

/** The examples that are programs; `common` is what they share. */
function examples() {
  return readdirSync(join(root, "examples"))
    .filter((folder) => folder !== "common")
    .sort();
}
