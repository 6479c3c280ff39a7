import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runInNewContext } from "node:vm";
import { build } from "esbuild";
import { beforeAll, describe, expect, inject, it, vi } from "vitest";
import { npmCommand } from "../../scripts/setup.mjs";
import { runNode, runTool } from "./run.ts";
import { commonJsImport, esmImport, program, training, uses } from "./uses.ts";

const folder = join(inject("workshop"), "consumer");
const packed = inject("packed");
const platformPackage = inject("platformPackage");
const inBrowsers = uses.filter(({ specifier }) => !specifier.endsWith("/node"));

/** An empty project that installs the tarballs, as a person would install the packages from the registry. */
beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  const tarballs = [...packed, ...(platformPackage ? [platformPackage] : [])].map(
    ({ name, tarball }) => [name, `file:${tarball}`] as const,
  );
  const dependencies = { "@tensorflow/tfjs": "4.22.0", ...Object.fromEntries(tarballs) };
  write("package.json", JSON.stringify({ name: "consumer", private: true, dependencies }));
  const { command, before, shell } = npmCommand();
  const args = [
    ...before,
    "install",
    "--prefer-offline",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  ];
  const env = { ...process.env, npm_config_loglevel: "error" };
  const install = spawnSync(command, args, { cwd: folder, env, shell, encoding: "utf8" });
  expect(install.status, install.stdout + install.stderr).toBe(0);
});

function write(file: string, text: string): string {
  writeFileSync(join(folder, file), text);
  return file;
}

const allCalls = `${uses.length} calls\n`;

describe("the packed packages, installed into an empty project", () => {
  it("have one call here for each entry they publish", () => {
    const entries = packed.flatMap(({ name, subpaths }) => subpaths.map((subpath) => name + subpath.slice(1)));
    expect(uses.map(({ specifier }) => specifier).sort()).toEqual(entries.sort());
  });

  it("work as ES modules", () => {
    expect(runNode([write("esm.mjs", program(uses, esmImport))], folder)).toBe(allCalls);
  });

  it("work as CommonJS", () => {
    expect(runNode([write("commonjs.cjs", program(uses, commonJsImport))], folder)).toBe(allCalls);
  });

  it.for([
    ["tessera", "mjs"],
    ["tessera", "cjs"],
    ["tessera-wasm", "mjs"],
    ["tessera-wasm", "cjs"],
  ] as const)("train on %s (.%s)", ([backend, extension], { skip }) => {
    skip(backend === "tessera" && platformPackage === undefined, "the engine's addon was not built here");
    const file = write(
      `train-${backend}.${extension}`,
      training(backend, extension === "mjs" ? esmImport : commonJsImport),
    );
    expect(runNode([file], folder)).toBe(`${backend} learns\n`);
  });

  it("bring along nothing that only an optional backend needs", () => {
    const names = ["@tensorflow/tfjs-node", "@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-backend-webgpu", "webgpu"];
    expect(names.filter((name) => existsSync(join(folder, "node_modules", name)))).toEqual([]);
  });

  it("bundle for browsers without any module of Node, and run", async () => {
    const entry = write("browser.mjs", program(inBrowsers, esmImport));
    // The `browser` field of tfjs replaces what it needs of Node; anything else of Node would fail here.
    const { outputFiles } = await build({
      absWorkingDir: folder,
      entryPoints: [entry],
      bundle: true,
      write: false,
      platform: "browser",
      format: "iife",
      logLevel: "silent",
    });
    const lines: string[] = [];
    const console = { log: (line: string) => lines.push(line), warn() {} };
    const { TextDecoder, TextEncoder, URL, WebAssembly, performance, setTimeout } = globalThis;
    const scope = { console, TextDecoder, TextEncoder, URL, WebAssembly, performance, setTimeout };
    // By a window with a document, tfjs knows that it is in a browser.
    Object.assign(scope, { window: scope, document: {} });
    runInNewContext(outputFiles[0]?.text ?? "", scope);
    await vi.waitFor(() => expect(lines).toEqual([`${inBrowsers.length} calls`]), 60_000);
  });

  it.each(["nodenext", "bundler"])("have types for a strict consumer (moduleResolution %s)", (resolution) => {
    const compilerOptions = {
      strict: true,
      noEmit: true,
      target: "es2022",
      module: resolution === "bundler" ? "esnext" : resolution,
      moduleResolution: resolution,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      lib: ["es2023", "dom", "dom.iterable"],
      types: [],
      skipLibCheck: true,
    };
    const file = write("typed.mts", program(uses, esmImport));
    write("tsconfig.json", JSON.stringify({ compilerOptions, files: [file] }));
    runTool("tsc", ["-p", "tsconfig.json"], folder);
  });
});
