/**
 * `npm run release`, in CI after everything is tested and built: publishes what is not yet on npm, with provenance. With
 * `-- --dry-run` it packs the platforms' packages and publishes nothing.
 *
 * The packages of the engine's addon are no part of the workspace, and the committed manifest of `@tessera-lm/backend`
 * does not name them: a clone must install before they exist. Both are written here, into a checkout that is thrown away.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandArguments, exitWith, npmCommand, root, run, SetupError, toolFile } from "./setup.mjs";

const backend = join("packages", "backend");
const platforms = readdirSync(join(root, backend, "npm")).map((name) => join(backend, "npm", name));

await exitWith(async () => {
  const dryRun = commandArguments().includes("--dry-run");
  const missing = platforms.filter((folder) => !existsSync(join(root, folder, "tessera.node")));
  if (missing.length > 0) throw new SetupError(`There is no addon in ${missing.join(", ")}: build all of them first.`);
  const { version } = readManifest(backend);
  for (const folder of platforms) {
    changeManifest(folder, { version });
    copyFileSync(join(root, "LICENSE"), join(root, folder, "LICENSE"));
  }
  const names = platforms.map((folder) => readManifest(folder).name);
  changeManifest(backend, { optionalDependencies: Object.fromEntries(names.map((name) => [name, version])) });
  for (const name of readdirSync(join(root, "packages"))) changeManifest(join("packages", name), {});
  for (const folder of platforms) if (dryRun || !isPublished(folder)) await publish(folder, dryRun);
  if (dryRun) return 0;
  const env = { ...process.env, NPM_CONFIG_PROVENANCE: "true" };
  return run(process.execPath, [toolFile("changeset"), "publish"], { cwd: root, env });
});

/** @param {string} folder */
function readManifest(folder) {
  return JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
}

/**
 * Adds fields to a manifest, and the repository, which provenance refers to.
 * @param {string} folder
 * @param {object} fields
 */
function changeManifest(folder, fields) {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name } = process.env;
  const repository =
    name === undefined ? undefined : { type: "git", url: `git+${server}/${name}.git`, directory: folder };
  const manifest = { ...readManifest(folder), ...fields, repository };
  writeFileSync(join(root, folder, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
}

/** @param {string} folder */
function isPublished(folder) {
  const { name, version } = readManifest(folder);
  const { command, before, shell } = npmCommand();
  return (
    spawnSync(command, [...before, "view", `${name}@${version}`, "version"], { cwd: root, shell }).stdout.length > 0
  );
}

/**
 * @param {string} folder
 * @param {boolean} dryRun
 */
async function publish(folder, dryRun) {
  const { command, before, shell } = npmCommand();
  const how = dryRun ? "--dry-run" : "--provenance";
  const args = [...before, "publish", `./${folder}`, "--access", "public", how, "--loglevel=notice"];
  const code = await run(command, args, { cwd: root, shell });
  if (code !== 0) throw new SetupError(`${folder} was not published: see above.`);
}
