import { defineConfig, type ViteUserConfig } from "vitest/config";

// Tests run from source: this condition maps every @tessera-lm import to its src/index.ts.
const conditions = ["@tessera-lm/source", "module", "node", "development|production"];

const config: ViteUserConfig = defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    testTimeout: 20_000,
    projects: [
      {
        extends: true,
        test: {
          name: "source",
          include: [
            "packages/*/src/**/*.test.ts",
            "examples/*/**/*.test.ts",
            "benchmarks/src/**/*.test.ts",
            "tests/*.test.ts",
          ],
          setupFiles: ["tests/unexpected-console.ts"],
        },
      },
      {
        extends: true,
        test: {
          // What npm would publish: built, packed, installed elsewhere. Slow.
          name: "published",
          include: ["tests/published/*.test.ts"],
          globalSetup: ["tests/published/pack.ts"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
export default config;
