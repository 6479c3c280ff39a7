import { type Module, type ModuleSite, modules } from "./modules.ts";

/** Told of every module that has run: where it is, what it was given, and what it gave back. */
export type Observer = (site: ModuleSite, inputs: readonly unknown[], output: unknown) => void;

/**
 * run(), while `observe` hears of every `forward` of the modules below `root`. Their parts report before they do. What
 * is seen belongs to the modules, which free it: clone and keep what is to last. `run` must be done when it returns.
 */
export function observed<Result>(root: object, observe: Observer, run: () => Result): Result {
  const sites = new Map([...modules(root)].reverse().map((site) => [site.module, site])); // each under its first path
  const restore = [...sites.values()].map((site) => shadow(site, observe));
  try {
    return run();
  } finally {
    for (const undo of restore) undo();
  }
}

/** Gives one module a `forward` that reports, as a property of its own before that of its class. Returns how to undo it. */
function shadow(site: ModuleSite, observe: Observer): () => void {
  const { module } = site;
  const own = Object.getOwnPropertyDescriptor(module, "forward");
  const forward: Module["forward"] = module.forward;
  const reporting = (...inputs: never[]): unknown => {
    const output = forward.apply(module, inputs);
    observe(site, inputs, output);
    return output;
  };
  Object.defineProperty(module, "forward", { value: reporting, configurable: true, writable: true });
  return () => {
    if (own) Object.defineProperty(module, "forward", own);
    else Reflect.deleteProperty(module, "forward");
  };
}
