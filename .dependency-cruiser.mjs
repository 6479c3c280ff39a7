/**
 * The import boundaries of the repository, checked by `npm test` (https://github.com/sverweij/dependency-cruiser).
 *
 * A package may import only what stands in its row. A text travels in one direction, tokenizer → … → eval, and a
 * package knows only what stands before it. Trainer, LoRA and evaluation see the `LanguageModel` interface of
 * `layers`, never a class of `gpt`. Tests, examples and benchmarks may bring everything together.
 * @type {Readonly<Record<string, readonly string[]>>}
 */
const mayImport = {
  tokenizer: [],
  data: ["weights", "tokenizer (types)"],
  weights: [],
  ops: ["tfjs"],
  backend: ["ops", "tfjs", "tfjs-backend-wasm"],
  layers: ["ops", "tfjs"],
  gpt: ["layers", "ops", "weights", "tfjs"],
  trainer: ["layers", "ops", "weights", "data (types)", "tfjs"],
  lora: ["layers", "ops", "weights", "tfjs"],
  eval: ["layers", "data", "tokenizer (types)", "tfjs"],
};

/** @typedef {import("dependency-cruiser").IForbiddenRuleType} Rule */

/** Starts a worker where there is no build: in the repository, which has tsx. */
const workerFromSource = "/encode-worker-source[.]mjs$";

/** What is not published. */
const tests = "[.]test(-d)?[.]ts$|/fixtures/|/testing/|/test-support[.]ts$";

/**
 * The rules of one row.
 * @param {string} name
 * @returns {Rule[]}
 */
function rowRules(name) {
  const row = mayImport[name];
  const from = { path: `^packages/${name}/`, pathNot: [tests, "/bench/", "/parity/", "[.]config[.]ts$"] };
  const names = row.map((entry) => entry.replace(" (types)", ""));
  const typesOnly = names.filter((entry) => row.includes(`${entry} (types)`));
  /** @type {Rule[]} */
  const rules = [
    {
      name: `${name}-imports-its-row`,
      comment: `${name} may import ${row.join(", ") || "no other package"}`,
      from,
      to: {
        path: "^(packages|examples|benchmarks|scripts|tests)/|/node_modules/@tensorflow/",
        pathNot: [name, ...names].flatMap((entry) => [`^packages/${entry}/`, `/node_modules/@tensorflow/${entry}/`]),
      },
    },
    {
      name: `${name}-imports-types-only`,
      comment: `${name} may import only types from ${typesOnly.join(", ")}`,
      from,
      to: { path: typesOnly.map((entry) => `^packages/${entry}/`), dependencyTypesNot: ["type-only"] },
    },
  ];
  return typesOnly.length > 0 ? rules : rules.slice(0, 1);
}

/** @type {Rule[]} */
const forbidden = [
  ...Object.keys(mayImport).flatMap(rowRules),
  {
    name: "every-package-has-a-row",
    comment: "a new package needs a row in the table above",
    from: { path: "^packages/", pathNot: `^packages/(${Object.keys(mayImport).join("|")})/` },
    to: {},
  },
  {
    name: "no-cycles",
    comment: "files import in one direction",
    from: {},
    to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
  },
  {
    name: "declared-dependencies",
    comment: "what is published imports only what its package.json declares",
    from: { path: "^packages/[^/]+/src/", pathNot: [tests, workerFromSource] },
    to: { dependencyTypes: ["npm-no-pkg", "npm-unknown", "npm-dev"], dependencyTypesNot: ["npm-peer"] },
  },
  {
    name: "resolvable",
    comment: "the module was not found",
    from: {},
    to: { couldNotResolve: true },
  },
];

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: forbidden.map((rule) => ({ ...rule, severity: "error" })),
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^packages/[^/]+/dist/|/fixtures/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    combinedDependencies: false,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["@tessera-lm/source", "import", "node", "default"],
      extensions: [".ts", ".js", ".mjs", ".json", ".node"],
    },
  },
};
