import { defineConfig, type Options } from "tsup";

/** The one way every package is built: ESM and CommonJS with types, nothing bundled that is a dependency. */
export const packageBuild = (entries: readonly string[], options: Options = {}): ReturnType<typeof defineConfig> =>
  defineConfig({
    entry: entries.map((entry) => `src/${entry}.ts`),
    format: ["esm", "cjs"],
    target: "es2022",
    platform: "neutral",
    dts: true,
    sourcemap: true,
    splitting: true, // in CommonJS too: index and node must share one copy of each class, or `instanceof` fails
    clean: true,
    ...options,
  });
