import { builtinModules } from "node:module";
import boundaries from "./.dependency-cruiser.mjs";

/**
 * What runs in browsers, checked by `npm test`: as for the import table, but imports of types alone, which vanish from
 * the program, do not count.
 * @type {import("dependency-cruiser").IConfiguration}
 */
export default {
  forbidden: [
    {
      name: "index-runs-in-browsers",
      severity: "error",
      comment: "what these reach must not need Node: node:* belongs to node.ts and to what only node.ts reaches",
      from: { path: "^packages/[^/]+/src/(index|train|chat|gguf)[.]ts$" },
      to: { path: builtinModules.map((name) => `^(node:)?${name}$`), reachable: true },
    },
  ],
  options: { ...boundaries.options, tsPreCompilationDeps: false },
};
