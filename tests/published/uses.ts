/** One call of each published entry, the same for every kind of consumer. */
export interface Use {
  readonly specifier: string;
  readonly names: readonly string[];
  /** Statements of an async function that returns true. The names of all other uses are there too. */
  readonly body: string;
}

const tinyGpt = `createGpt2({ vocabSize: 5, contextLength: 4, numLayers: 1, numHeads: 1, width: 4 }, 1)`;

export const uses: readonly Use[] = [
  {
    specifier: "@tessera-lm/tokenizer",
    names: ["characterTokenizer"],
    body: `return characterTokenizer("abc").decode([2, 0, 1]) === "cab";`,
  },
  {
    specifier: "@tessera-lm/tokenizer/node",
    names: ["encodeFile", "saveTokenizer", "loadTokenizer"],
    body: `await saveTokenizer(characterTokenizer("abc"), "tokenizer");
      await writeFileAtomic("letters.txt", "cab");
      const ids = [];
      const parts = encodeFile("letters.txt", await loadTokenizer("tokenizer"), { workers: 1 });
      for await (const part of parts) ids.push(...part);
      return ids.join() === "2,0,1";`,
  },
  {
    specifier: "@tessera-lm/tokenizer/train",
    names: ["trainBytePair"],
    body: `return trainBytePair(["aaaa"], { vocabSize: 257 }).encode("aa").length === 1;`,
  },
  {
    specifier: "@tessera-lm/tokenizer/chat",
    names: ["ChatTemplate"],
    body: `const template = new ChatTemplate("{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}");
      return template.render([{ role: "user", content: "hi" }]) === "<user>hi";`,
  },
  {
    specifier: "@tessera-lm/tokenizer/gguf",
    names: ["tokenizerFromGguf", "tokenizerToGguf"],
    body: `const tokenizer = trainBytePair(["aaaa"], { vocabSize: 257 });
      return tokenizerFromGguf(new Map(tokenizerToGguf(tokenizer))).encode("aa").length === 1;`,
  },
  {
    specifier: "@tessera-lm/data",
    names: ["inMemoryTokens"],
    body: "return inMemoryTokens([1, 2, 3]).read(1, 3).length === 2;",
  },
  {
    specifier: "@tessera-lm/data/node",
    names: ["readText"],
    body: `return (await readText("package.json")).startsWith("{");`,
  },
  {
    specifier: "@tessera-lm/weights",
    names: ["bytesSource"],
    body: "return bytesSource(new Uint8Array(8)).size === 8;",
  },
  {
    specifier: "@tessera-lm/weights/node",
    names: ["writeFileAtomic"],
    body: `await writeFileAtomic("written.txt", "text");
      return true;`,
  },
  {
    specifier: "@tessera-lm/ops",
    names: ["foldIn"],
    body: "return foldIn(1, 2) === foldIn(1, 2);",
  },
  {
    specifier: "@tessera-lm/backend",
    names: ["useBackend"],
    body: `return (await useBackend("cpu")).name === "cpu";`,
  },
  {
    specifier: "@tessera-lm/layers",
    names: ["parameters"],
    body: "return parameters({}).size === 0;",
  },
  {
    specifier: "@tessera-lm/gpt",
    names: ["createGpt2"],
    body: `return ${tinyGpt}.vocabSize === 5;`,
  },
  {
    specifier: "@tessera-lm/gpt/node",
    names: ["saveModel", "loadModel"],
    body: `await saveModel(${tinyGpt}, "model");
      return (await loadModel("model")).config.width === 4;`,
  },
  {
    specifier: "@tessera-lm/trainer",
    names: ["constant"],
    body: "return constant(0.5)(1) === 0.5;",
  },
  {
    specifier: "@tessera-lm/trainer/node",
    names: ["checkpoints"],
    body: `return typeof checkpoints === "function";`,
  },
  {
    specifier: "@tessera-lm/lora",
    names: ["applyLora"],
    body: `return applyLora(${tinyGpt}, { targets: ["qkv"], rank: 2, seed: 1 }).parameters().size === 2;`,
  },
  {
    specifier: "@tessera-lm/lora/node",
    names: ["loadAdapter"],
    body: `return typeof loadAdapter === "function";`,
  },
  {
    specifier: "@tessera-lm/eval",
    names: ["bitsPerByte"],
    body: `return typeof bitsPerByte === "function";`,
  },
  {
    specifier: "@tessera-lm/eval/node",
    names: ["loadMmlu"],
    body: `return typeof loadMmlu === "function";`,
  },
];

/** A program that makes each call and prints how many there were. */
export function program(chosen: readonly Use[], importLine: (use: Use) => string): string {
  const calls = chosen.map(
    ({ specifier, body }) => `  ${JSON.stringify(specifier)}: async () => {\n    ${body}\n  },\n`,
  );
  return `${chosen.map(importLine).join("\n")}
const calls = {
${calls.join("")}};
const main = async () => {
  for (const [name, call] of Object.entries(calls)) if (!(await call())) throw new Error(name + " answered wrongly");
  console.log(Object.keys(calls).length + " calls");
};
main();
`;
}

/** A program that trains a tiny model on a backend and prints whether it learned. */
export function training(backend: string, importLine: (use: Pick<Use, "specifier" | "names">) => string): string {
  const imports = [
    { specifier: "@tessera-lm/backend", names: ["useBackend"] },
    { specifier: "@tessera-lm/data", names: ["inMemoryTokens", "randomWindows"] },
    { specifier: "@tessera-lm/gpt", names: ["createGpt2"] },
    { specifier: "@tessera-lm/layers", names: ["parameters"] },
    { specifier: "@tessera-lm/trainer", names: ["adamw", "nextToken", "train"] },
  ];
  return `${imports.map(importLine).join("\n")}
const main = async () => {
  const { name } = await useBackend("${backend}");
  const model = ${tinyGpt};
  const tokens = inMemoryTokens(Array.from({ length: 100 }, (_, i) => i % 5));
  const batches = randomWindows(tokens, { batchSize: 4, contextLength: 4, seed: 1 });
  const optimizer = adamw({ learningRate: 0.01, weightDecay: 0.1 });
  const losses = [];
  const run = train({ parameters: parameters(model), objective: nextToken(model), batches, optimizer, steps: 20 });
  for await (const event of run) if (event.type === "step-end") losses.push(event.loss);
  console.log(name + (losses[19] < losses[0] - 0.1 ? " learns" : " does not learn: " + losses));
};
main();
`;
}

export const esmImport = ({ specifier, names }: Pick<Use, "specifier" | "names">): string =>
  `import { ${names.join(", ")} } from "${specifier}";`;

export const commonJsImport = ({ specifier, names }: Pick<Use, "specifier" | "names">): string =>
  `const { ${names.join(", ")} } = require("${specifier}");`;
