import { defineConfig, type ViteUserConfig } from "vitest/config";

// Tests run from source: this condition maps every @tessera-lm import to its src/index.ts.
const conditions = ["@tessera-lm/source", "module", "node", "development|production"];

const config: ViteUserConfig = defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["packages/*/src/**/*.test.ts", "examples/*/**/*.test.ts", "tests/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
    testTimeout: 20_000,
  },
});
export default config;
