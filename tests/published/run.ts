import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";
import { toolFile } from "../../scripts/setup.mjs";
import { repository } from "../repository.ts";

/**
 * Runs one of the repository's tools and returns its standard output.
 * @throws when it fails, with all it said.
 */
export function runTool(tool: string, args: readonly string[], folder: string): string {
  return runNode([toolFile(tool), ...args], folder);
}

/** Runs Node in a folder, as {@link runTool} does. */
export function runNode(args: readonly string[], folder: string): string {
  // turbo looks for pnpm on PATH; npm's settings of this run are not the consumer's.
  const path = [join(repository, "node_modules", ".bin"), process.env.PATH].join(delimiter);
  const env = { ...process.env, PATH: path, npm_config_loglevel: "error", NODE_OPTIONS: "" };
  const run = spawnSync(process.execPath, args, { cwd: folder, env, encoding: "utf8", maxBuffer: 1 << 28 });
  if (run.status === 0) return run.stdout;
  throw new Error(`node ${args.join(" ")} ended with ${run.status ?? run.signal}:\n${run.stdout}${run.stderr}`);
}
