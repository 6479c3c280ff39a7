import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";

const require = createRequire(import.meta.url);
const here = dirname(fileURLToPath(import.meta.url));

/**
 * Bundles the specs of tfjs-core with our backends into one CommonJS file. Both then share one copy of tfjs-core, made
 * of the modules that the specs import one by one.
 */
export async function bundleSuite(outfile: string): Promise<void> {
  await build({
    entryPoints: [join(here, "suite.ts")],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    conditions: ["@tessera-lm/source"],
    mainFields: ["module", "main"],
    alias: {
      "@tensorflow/tfjs": join(here, "tfjs.ts"),
      "@tensorflow/tfjs-core": dirname(require.resolve("@tensorflow/tfjs-core/package.json")),
      "jasmine-core": dirname(require.resolve("jasmine-core/package.json")),
    },
    ignoreAnnotations: true, // tfjs-core declares its specs free of side effects: they would be left out
    plugins: [ownUrls],
    logLevel: "error",
  });
}

/** Our sources find their binaries by `import.meta.url`: it stays the source file's own. */
const ownUrls: Plugin = {
  name: "own-urls",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]packages[\\/].*\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const url = JSON.stringify(pathToFileURL(path).href);
      return { contents: source.replaceAll("import.meta.url", url), loader: "ts" };
    });
  },
};
