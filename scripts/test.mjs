/**
 * `npm test`: everything that must hold before a change is good, as CI runs it.
 * `npm test -- NAME…` runs only the tests from source whose path contains a name.
 * The last line is the sum: `N passed, N failed`, where each check counts as one; what could not be checked here, such
 * as the engine without cargo, is named in its place and counted as skipped.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { ensureAddon } from "./engine/addon.mjs";
import { engineChecks } from "./engine/checks.mjs";
import { commandArguments, ensureInstalled, exitWith, root, run, toolFile } from "./setup.mjs";

/** What is checked about the whole repository: what it is, and the tool that says so. */
const checks = [
  ["format", "biome", "check", "."],
  ["types", "tsc", "-p", "tsconfig.json"],
  ["types of tests and scripts", "tsc", "-p", "tests/tsconfig.json"],
  ["import boundaries", "depcruise", "--config", ".dependency-cruiser.mjs", "packages", "examples", "benchmarks"],
  ["what runs in browsers", "depcruise", "--config", ".dependency-cruiser.browser.mjs", "packages"],
  ["manifests", "sherif"],
  ["dead code and dependencies", "knip"],
  ["documentation", "typedoc", "--emit", "none", "--logLevel", "Warn"],
  ["build", "turbo", "run", "build", "--output-logs=errors-only"],
  ["sizes", "size-limit"],
];

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

await exitWith(async () => {
  await ensureInstalled();
  const filters = commandArguments();
  const results = filters.length > 0 ? await chosen(filters) : await everything();
  const sum = (/** @type {keyof Counts} */ key) => results.reduce((total, result) => total + result[key], 0);
  const skipped = sum("skipped") > 0 ? `, ${sum("skipped")} skipped` : "";
  process.stdout.write(`\n${sum("passed")} passed, ${sum("failed")} failed${skipped}\n`);
  return sum("failed") > 0 ? 1 : 0;
});

/** @param {readonly string[]} filters */
async function chosen(filters) {
  await ensureAddon();
  return [await tests("source", filters)];
}

async function everything() {
  const results = [];
  for (const [name, tool, ...args] of checks) results.push(await check(name, () => capture([toolFile(tool), ...args])));
  for (const [name, run] of engineChecks) results.push(await check(name, run));
  for (const project of ["source", "published"]) results.push(await tests(project, []));
  return results;
}

/**
 * Runs one check; what it says is shown only when it fails, or when it is left out.
 * @param {string} name
 * @param {() => Promise<import("./engine/checks.mjs").Outcome>} run
 * @returns {Promise<Counts>}
 */
async function check(name, run) {
  process.stdout.write(`${name} … `);
  const started = Date.now();
  const outcome = await run();
  if ("skipped" in outcome) {
    process.stdout.write(`left out: ${outcome.skipped}\n`);
    return { passed: 0, failed: 0, skipped: 1 };
  }
  process.stdout.write(`${outcome.code === 0 ? "ok" : "FAILED"} (${seconds(started)})\n`);
  if (outcome.code === 0) return { passed: 1, failed: 0, skipped: 0 };
  process.stdout.write(`${outcome.output}\n`);
  return { passed: 0, failed: 1, skipped: 0 };
}

/**
 * Runs Node and keeps all that it writes.
 * @param {readonly string[]} args
 * @returns {Promise<{ code: number | null, output: string }>}
 */
function capture(args) {
  const child = spawn(process.execPath, args, { cwd: root, env: environment(), stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const collect = (/** @type {Buffer} */ chunk) => {
    output += chunk;
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  return new Promise((resolve, reject) => {
    child.once("error", reject).once("close", (code) => resolve({ code, output }));
  });
}

/** turbo looks for pnpm on PATH, and there is one among the dependencies. Nothing is reported to anyone. */
function environment() {
  const path = [join(root, "node_modules", ".bin"), process.env.PATH].join(delimiter);
  return { ...process.env, PATH: path, npm_config_loglevel: "error", TURBO_TELEMETRY_DISABLED: "1" };
}

/**
 * Runs the tests of one vitest project.
 * @param {string} project
 * @param {readonly string[]} filters
 * @returns {Promise<Counts>}
 */
async function tests(project, filters) {
  process.stdout.write(`\ntests: ${project}\n`);
  const started = Date.now();
  const folder = mkdtempSync(join(tmpdir(), "tessera-tests-"));
  const report = join(folder, "report.json");
  const args = ["run", "--project", project, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const code = await run(process.execPath, [toolFile("vitest"), ...args, ...filters], {
    cwd: root,
    env: environment(),
  });
  const counts = count(existsSync(report) ? JSON.parse(readFileSync(report, "utf8")) : undefined, code);
  rmSync(folder, { recursive: true, force: true });
  process.stdout.write(`tests: ${project} ${code === 0 ? "ok" : "FAILED"} (${seconds(started)})\n`);
  return counts;
}

/**
 * A file that does not even load has no failed test, and an error outside of every test belongs to none; each is one.
 * @param {{ numPassedTests: number, numFailedTests: number, numPendingTests: number, numTodoTests: number } | undefined} report
 * @param {number} code
 * @returns {Counts}
 */
function count(report, code) {
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const failed = report.numFailedTests === 0 && code !== 0 ? 1 : report.numFailedTests;
  return { passed: report.numPassedTests, failed, skipped: report.numPendingTests + report.numTodoTests };
}

/** @param {number} started */
function seconds(started) {
  return `${((Date.now() - started) / 1000).toFixed(1)} s`;
}
