import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { packageFolders, repository } from "../repository.ts";
import { runTool } from "./run.ts";

/** One package as npm would publish it. */
export interface PackedPackage {
  /** Such as `@tessera-lm/gpt`. */
  readonly name: string;
  readonly folder: string;
  readonly tarball: string;
  /** The subpaths that can be imported, such as `.` and `./node`. */
  readonly subpaths: readonly string[];
}

declare module "vitest" {
  interface ProvidedContext {
    /** Where the tarballs and the consumer projects lie. */
    workshop: string;
    packed: readonly PackedPackage[];
    /** The package of this platform's addon, if it was built here. */
    platformPackage: Pick<PackedPackage, "name" | "tarball"> | undefined;
  }
}

/** Builds what is stale and packs every package once for all tests of this project. */
export default function setup(project: TestProject): () => void {
  const workshop = mkdtempSync(join(tmpdir(), "tessera-published-"));
  runTool("turbo", ["run", "build", "--output-logs=errors-only"], repository);
  project.provide("workshop", workshop);
  project.provide(
    "packed",
    packageFolders.map((folder) => pack(folder, workshop)),
  );
  project.provide("platformPackage", packPlatform(workshop));
  return () => rmSync(workshop, { recursive: true, force: true });
}

function pack(folder: string, workshop: string): PackedPackage {
  const manifest = JSON.parse(readFileSync(join(repository, folder, "package.json"), "utf8")) as {
    name: string;
    exports: Record<string, unknown>;
  };
  const output = runTool("pnpm", ["pack", "--json", "--pack-destination", workshop], join(repository, folder));
  const { filename } = JSON.parse(output) as { filename: string };
  const subpaths = Object.keys(manifest.exports).filter((path) => path !== "./package.json");
  return { name: manifest.name, folder, tarball: filename, subpaths };
}

/** Packs the addon that was built here as the release does. */
function packPlatform(workshop: string): Pick<PackedPackage, "name" | "tarball"> | undefined {
  const addon = join(repository, "packages/backend/native", `tessera.${process.platform}-${process.arch}.node`);
  const library = { linux: "-gnu", win32: "-msvc" }[process.platform as string] ?? "";
  const manifests = join(repository, "packages/backend/npm", `${process.platform}-${process.arch}${library}`);
  if (!existsSync(addon) || !existsSync(manifests)) return undefined;
  const folder = join(workshop, "platform");
  cpSync(manifests, folder, { recursive: true });
  cpSync(addon, join(folder, "tessera.node"));
  const output = runTool("pnpm", ["pack", "--json", "--pack-destination", workshop], folder);
  const { name, filename } = JSON.parse(output) as { name: string; filename: string };
  return { name, tarball: filename };
}
