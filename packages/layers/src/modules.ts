import { Tensor } from "@tensorflow/tfjs";

/** A module where it was found: `parent[key]` is `module`. */
export interface ModuleSite {
  /** Property path from the root, such as `blocks.0.attention.qkv`. */
  readonly path: string;
  readonly module: Module;
  readonly parent: object;
  readonly key: string;
}

/** Anything with a `forward`. */
export interface Module {
  forward(...inputs: never[]): unknown;
}

/**
 * Every module below `root`, each before its own parts, in the order of the properties. A module that is shared by two
 * others is found at both; its parts are found once, under the first path.
 */
export function modules(root: object): Generator<ModuleSite> {
  return walk(root, "", new Set([root]));
}

function* walk(parent: object, prefix: string, seen: Set<object>): Generator<ModuleSite> {
  for (const [key, child] of Object.entries(parent)) {
    if (typeof child !== "object" || child === null || child instanceof Tensor || ArrayBuffer.isView(child)) continue;
    const path = `${prefix}${key}`;
    if (isModule(child)) yield { path, module: child, parent, key };
    if (seen.has(child)) continue;
    seen.add(child);
    yield* walk(child, `${path}.`, seen);
  }
}

/**
 * Puts another module wherever `replace` returns one, and leaves the rest. `root` is changed in place; a replaced module
 * is not looked into.
 */
export function replaceModules(root: object, replace: (path: string, module: Module) => Module | undefined): void {
  const replaced: string[] = [];
  for (const { path, module, parent, key } of [...modules(root)]) {
    if (replaced.some((outer) => path.startsWith(`${outer}.`))) continue;
    const replacement = replace(path, module);
    if (replacement === undefined) continue;
    Object.assign(parent, { [key]: replacement });
    replaced.push(path);
  }
}

function isModule(value: object): value is Module {
  return "forward" in value && typeof value.forward === "function";
}
