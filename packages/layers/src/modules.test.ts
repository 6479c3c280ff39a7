import { afterEach, expect, test } from "vitest";
import { type Block, createBlock } from "./block.ts";
import { zeros } from "./initialize.ts";
import { Linear } from "./linear.ts";
import { modules, replaceModules } from "./modules.ts";

const model: { blocks: Block[] } = {
  blocks: [0, 1].map(() => createBlock({ width: 4, numHeads: 2 }, zeros)),
};
const originals = [...modules(model)];
afterEach(() => {
  for (const { parent, key, module } of originals) Object.assign(parent, { [key]: module });
});

class Wrapped {
  readonly base: Linear;
  constructor(base: Linear) {
    this.base = base;
  }
  forward(): void {}
}

test("modules are found before their parts, with where they are", () => {
  const paths = [...modules(model)].map(({ path }) => path);
  expect(paths.slice(0, 9)).toEqual([
    "blocks.0",
    "blocks.0.attentionNorm",
    "blocks.0.attention",
    "blocks.0.attention.qkv",
    "blocks.0.attention.output",
    "blocks.0.feedForwardNorm",
    "blocks.0.feedForward",
    "blocks.0.feedForward.up",
    "blocks.0.feedForward.down",
  ]);
  expect(paths).toHaveLength(18);
  const site = [...modules(model)].find(({ path }) => path === "blocks.1.attention.qkv");
  expect(site?.parent).toBe(model.blocks[1].attention);
  expect(site?.key).toBe("qkv");
});

test("a shared module is found where it is, its parts once, and a circle ends", () => {
  const shared = { forward: () => undefined, inner: { forward: () => undefined } };
  const left: Record<string, unknown> = { forward: () => undefined, shared };
  const root = { left, right: { forward: () => undefined, shared, left } };
  left.right = root.right;
  left.root = root;
  expect([...modules(root)].map(({ path }) => path)).toEqual([
    "left",
    "left.shared",
    "left.shared.inner",
    "left.right",
    "left.right.shared",
    "left.right.left",
    "right",
  ]);
  const other = { forward: () => undefined };
  replaceModules(root, (_, module) => (module === shared.inner ? other : undefined));
  expect(shared.inner).toBe(other);
});

test("replacing puts the new module in place, once, without looking into it", () => {
  const asked: string[] = [];
  replaceModules(model, (path, module) => {
    asked.push(path);
    return path.endsWith("attention.qkv") && module instanceof Linear ? new Wrapped(module) : undefined;
  });
  expect(model.blocks[0].attention.qkv).toBeInstanceOf(Wrapped);
  expect(model.blocks[1].attention.qkv).toBeInstanceOf(Wrapped);
  expect(asked.filter((path) => path.includes("base"))).toEqual([]);
  replaceModules(model, (_, module) => (module instanceof Wrapped ? module.base : undefined));
  expect(model.blocks[0].attention.qkv).toBe(originals.find(({ path }) => path === "blocks.0.attention.qkv")?.module);
});

test("the parts of a replaced module are left alone", () => {
  const asked: string[] = [];
  replaceModules(model, (path) => {
    asked.push(path);
    return path === "blocks.0.attention" ? { forward: () => undefined } : undefined;
  });
  expect(asked).not.toContain("blocks.0.attention.qkv");
  expect(asked).toContain("blocks.1.attention.qkv");
});
