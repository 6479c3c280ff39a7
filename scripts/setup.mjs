/**
 * What `npm start` and `npm test` do before they run anything: install the dependencies when they are stale.
 * Plain JavaScript on Node's built-ins, because nothing else is there yet on a fresh clone.
 * Everything said here goes to standard error; standard output belongs to the program that runs next.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { constants as osConstants } from "node:os";
import { basename, dirname, join } from "node:path";
import { isatty } from "node:tty";
import { fileURLToPath } from "node:url";

/** The repository's folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const oldestNodeMajor = 20;
const nodeMajor = Number(process.versions.node.split(".")[0]);
const marker = join(root, "node_modules", ".tessera-setup");

/** Commands whose package has another name. @type {Readonly<Record<string, string>>} */
const toolPackages = {
  attw: "@arethetypeswrong/cli",
  biome: "@biomejs/biome",
  changeset: "@changesets/cli",
  depcruise: "dependency-cruiser",
  tsc: "typescript",
};

/** Something a person can put right: its message is one line that says how. */
export class SetupError extends Error {
  /** @override */
  name = "SetupError";
  isTesseraError = true;
}

/**
 * What the command line gave to this script. pnpm hands over the `--` of `pnpm start -- --help`, npm does not.
 * @returns {string[]}
 */
export function commandArguments() {
  const args = process.argv.slice(2);
  return args[0] === "--" ? args.slice(1) : args;
}

/**
 * Installs the workspace's dependencies with the pnpm version that `package.json` pins, unless the last install still
 * holds: same lockfile, same manifests, same Node major version, same platform.
 * @param {{ quiet?: boolean }} [options] `quiet` hides the installer's progress, not its errors.
 * @returns {Promise<void>}
 * @throws {SetupError} when Node is too old, the folder is read-only, or the installation fails.
 */
export async function ensureInstalled({ quiet = false } = {}) {
  checkNode();
  const wanted = fingerprint();
  if (existsSync(marker) && readFileSync(marker, "utf8") === wanted) return;
  checkWritable();
  const pnpm = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).packageManager;
  process.stderr.write(`Installing dependencies with ${pnpm} (once; later starts skip this) …\n`);
  const started = Date.now();
  await install(pnpm, quiet);
  writeFileSync(marker, wanted);
  process.stderr.write(`Installed in ${((Date.now() - started) / 1000).toFixed(1)} s.\n`);
}

/**
 * Runs a TypeScript file from source: `tsx` strips the types, and the `@tessera-lm/source` condition resolves the
 * workspace's packages to their `src`.
 * @param {string} file path relative to the repository
 * @param {readonly string[]} args
 * @returns {Promise<number>} the exit code; 128 + n when signal n ended it
 */
export function runTypeScript(file, args) {
  const path = join(root, file);
  if (!existsSync(path)) throw new SetupError(`${file} is not there: this checkout is incomplete.`);
  // A URL, so that it is found from any working directory.
  const tsx = import.meta.resolve("tsx");
  return run(process.execPath, ["--conditions=@tessera-lm/source", "--import", tsx, path, ...args]);
}

/**
 * The JavaScript file behind an installed tool's command: Windows cannot spawn what lies in `node_modules/.bin`.
 * @param {string} tool such as `tsc`
 * @returns {string}
 */
export function toolFile(tool) {
  const name = toolPackages[tool] ?? tool;
  const folder = join(root, "node_modules", name);
  const { bin } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return join(folder, typeof bin === "string" ? bin : bin[tool]);
}

/**
 * Runs a program with this one's input and output and leaves signals to it: it decides what an interrupt means, and
 * this process waits.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import("node:child_process").SpawnOptions} [options]
 * @returns {Promise<number>} the exit code; 128 + n when signal n ended it
 */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: "inherit", ...options });
    const release = guardSignals(child);
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(signal === null ? (code ?? 1) : 128 + osConstants.signals[signal]));
    child.once("error", release).once("close", release);
  });
}

/**
 * A terminal sends Ctrl-C to every process in it, the child included, and npm then sends it once more to its own
 * child. Passing it on would interrupt the program twice, so with a terminal we only stay alive.
 * npm's shell passes nothing on and dies of a SIGTERM, so losing our parent counts as one.
 * @param {import("node:child_process").ChildProcess} child
 * @returns {() => void} stops guarding
 */
function guardSignals(child) {
  const terminal = [0, 1, 2].some((descriptor) => isatty(descriptor));
  // On Windows `kill` would end the child at once; the console has told it already.
  const interrupt = () => terminal || process.platform === "win32" || child.kill("SIGINT");
  const terminate = () => child.kill("SIGTERM");
  const hangUp = () => child.kill("SIGHUP");
  process.on("SIGINT", interrupt).on("SIGTERM", terminate).on("SIGHUP", hangUp);
  const parent = process.ppid;
  const orphaned = () => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    terminate();
  };
  const watch = process.env.npm_lifecycle_event === undefined ? undefined : setInterval(orphaned, 500);
  return () => {
    clearInterval(watch);
    process.off("SIGINT", interrupt).off("SIGTERM", terminate).off("SIGHUP", hangUp);
  };
}

/**
 * Runs a script's `main` and turns its end into this process's exit code; what a person can put right prints as one
 * line, without a stack.
 * @param {() => Promise<number>} main
 * @returns {Promise<void>}
 */
export async function exitWith(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}

function checkNode() {
  if (nodeMajor >= oldestNodeMajor) return;
  throw new SetupError(
    `Node ${process.versions.node} is too old: Tessera needs Node ${oldestNodeMajor} or newer (https://nodejs.org).`,
  );
}

function checkWritable() {
  try {
    accessSync(root, constants.W_OK);
  } catch {
    throw new SetupError(
      `Cannot write to ${root}: dependencies are installed there. Copy the folder or change its rights.`,
    );
  }
}

/** What the installation depends on, in one hash. */
function fingerprint() {
  const hash = createHash("sha256").update(`node ${nodeMajor} ${process.platform} ${process.arch}\n`);
  for (const file of installInputs()) hash.update(file).update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

/** @returns {string[]} */
function installInputs() {
  const folders = ["packages", "examples"].flatMap((parent) =>
    existsSync(join(root, parent))
      ? readdirSync(join(root, parent))
          .sort()
          .map((name) => join(parent, name))
      : [],
  );
  const manifests = [...folders, "benchmarks"].map((folder) => join(folder, "package.json"));
  const files = ["pnpm-lock.yaml", "pnpm-workspace.yaml", ".npmrc", "package.json", ...manifests];
  return files.filter((file) => existsSync(join(root, file)));
}

/**
 * @param {string} pnpm such as `pnpm@10.34.8`
 * @param {boolean} quiet
 */
async function install(pnpm, quiet) {
  const { command, before, shell } = npmCommand();
  const args = ["exec", "--yes", "--loglevel=error", "--", pnpm];
  args.push("install", "--frozen-lockfile", "--loglevel=info", "--config.confirm-modules-purge=false");
  // npm hands its own settings down in the environment: `loglevel=silent` would hide what goes wrong, and what an
  // `npx --package … --call …` around us runs is not what we run.
  const own = { npm_config_loglevel: "error", npm_config_package: undefined, npm_config_call: undefined };
  const env = { ...process.env, ...own };
  const child = spawn(command, [...before, ...args], { cwd: root, env, shell, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  /** @param {Buffer} chunk */
  const collect = (chunk) => {
    output = (output + chunk).slice(-20_000);
    if (!quiet) process.stderr.write(chunk);
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const code = await new Promise((resolve) => {
    child.once("error", (error) => {
      output += error.message;
      resolve(1);
    });
    child.once("close", resolve);
  });
  if (code === 0) return;
  if (quiet) process.stderr.write(output);
  throw new SetupError(explainFailure(output));
}

/**
 * npm as a program to spawn. Its JavaScript file is preferred, because Windows cannot spawn `npm.cmd` without a shell.
 * @returns {{ command: string, before: string[], shell: boolean }}
 */
export function npmCommand() {
  const home = dirname(process.execPath);
  const candidates = [
    process.env.npm_execpath ?? "",
    join(home, "node_modules", "npm", "bin", "npm-cli.js"),
    join(home, "..", "lib", "node_modules", "npm", "bin", "npm-cli.js"),
  ];
  // pnpm and yarn set npm_execpath too, to themselves.
  const script = candidates.find((path) => basename(path) === "npm-cli.js" && existsSync(path));
  if (script !== undefined) return { command: process.execPath, before: [script], shell: false };
  return { command: "npm", before: [], shell: process.platform === "win32" };
}

/** @param {string} output of the failed installation */
function explainFailure(output) {
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT/.test(output))
    return "Could not install: the npm registry was not reached. The first start needs the network; connect and run it again.";
  if (/EACCES|EPERM|EROFS/.test(output))
    return `Could not install: no right to write (see above). Dependencies go to ${join(root, "node_modules")}.`;
  if (/ENOSPC/.test(output)) return "Could not install: the disk is full. Free about 1 GB and run it again.";
  if (/OUTDATED_LOCKFILE/.test(output))
    return "Could not install: package.json and pnpm-lock.yaml differ. Run `npx pnpm install` to bring them together.";
  if (/spawn npm|npm: not found/.test(output)) return "Could not install: npm was not found beside Node nor on PATH.";
  return "Could not install: see the lines above.";
}
