import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type MarkedToken, marked } from "marked";
import ts from "typescript";
import { packageFolders, repository } from "../repository.ts";

/** One TypeScript block of a README. */
export interface Block {
  /** Such as `packages/gpt/README.md:10`. */
  readonly place: string;
  /** Where it stands as a module, so that its imports resolve as they would for the package's user. */
  readonly file: string;
  readonly source: string;
  /** False for a block marked `ts no-run`: it is only type-checked. */
  readonly runs: boolean;
}

/** Every TypeScript block of the READMEs of the packages, of the repository, and of the pages of docs. */
export function readmeBlocks(): Block[] {
  // The repository itself depends on no package; its README's code stands beside the example that uses all of them.
  const homes = [
    ["README.md", "examples/shakespeare"],
    ["docs/planning.md", "packages/gpt"],
    ["docs/quantisation.md", "packages/weights"],
    ...packageFolders.map((folder) => [`${folder}/README.md`, folder]),
  ];
  return homes.flatMap(([readme = "", home = ""]) =>
    existsSync(join(repository, readme)) ? blocksOf(readme, join(repository, home, `.readme-${process.pid}`)) : [],
  );
}

function blocksOf(readme: string, folder: string): Block[] {
  const text = readFileSync(join(repository, readme), "utf8");
  const blocks: Block[] = [];
  let offset = 0;
  for (const token of marked.lexer(text) as MarkedToken[]) {
    const line = text.slice(0, offset).split("\n").length;
    offset += token.raw.length;
    if (token.type !== "code" || token.lang?.split(" ")[0] !== "ts") continue;
    const file = join(folder, `line-${line}.ts`);
    blocks.push({ place: `${readme}:${line}`, file, source: token.text, runs: token.lang !== "ts no-run" });
  }
  return blocks;
}

/**
 * The block with its promises checked: `expression; // => value` becomes `expectValue(expression, () => value, line)`.
 * @param checker the module that exports `expectValue`
 */
export function withChecks(source: string, checker: string): string {
  const file = ts.createSourceFile("block.ts", source, ts.ScriptTarget.ESNext, true);
  let checked = source;
  for (const { start, end, value } of promises(file).reverse()) {
    const line = file.getLineAndCharacterOfPosition(start).line + 1;
    const call = `expectValue(${source.slice(start, end)}, () => (${value}), ${line})`;
    checked = checked.slice(0, start) + call + checked.slice(end);
  }
  return `import { expectValue } from ${JSON.stringify(checker)}; ${checked}`;
}

interface KeptPromise {
  readonly start: number;
  readonly end: number;
  /** The value's source text. */
  readonly value: string;
}

/** The expressions with a `// => value` at the end of their line, in order. */
function promises(file: ts.SourceFile): KeptPromise[] {
  const found: KeptPromise[] = [];
  const visit = (node: ts.Node): void => {
    const value = ts.isExpressionStatement(node)
      ? /^[ \t]*\/\/ => (.*)/.exec(file.text.slice(node.end))?.[1]
      : undefined;
    if (value === undefined) return ts.forEachChild(node, visit);
    const expression = promisedExpression((node as ts.ExpressionStatement).expression);
    found.push({ start: expression.getStart(), end: expression.end, value });
  };
  visit(file);
  return found;
}

/** What is compared: the expression itself, or what it logs. */
function promisedExpression(expression: ts.Expression): ts.Expression {
  const isLog = ts.isCallExpression(expression) && expression.expression.getText() === "console.log";
  return isLog ? (expression.arguments[0] ?? expression) : expression;
}
