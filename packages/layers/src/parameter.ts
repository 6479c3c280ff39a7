import { engine, type Rank, Tensor, Variable, variable } from "@tensorflow/tfjs";

/** A trainable tensor: a TensorFlow.js variable without a name of its own; its name is its path in the model. */
export type Parameter<R extends Rank = Rank> = Variable<R>;

/** A parameter that starts with the value of a tensor, which is consumed. */
export function parameter<R extends Rank>(value: Tensor<R>): Parameter<R> {
  try {
    return variable(value);
  } finally {
    value.dispose();
  }
}

/**
 * Every parameter of a module, found by walking its properties; the names are property paths, such as
 * `blocks.0.attention.qkv.weight`. A parameter that is shared by two modules appears once, under its first path.
 */
export function parameters(module: object): Map<string, Parameter> {
  const found = new Map<string, Parameter>();
  for (const [path, each] of tensors(module)) if (each instanceof Variable) found.set(path, each);
  return found;
}

/** What `create` returns. If it fails, because there is no memory say, the parameters that it has made are freed. */
export function allOrNothing<T>(create: () => T): T {
  const before = new Set(Object.keys(engine().registeredVariables));
  try {
    return create();
  } catch (error) {
    for (const [name, made] of Object.entries(engine().registeredVariables)) if (!before.has(name)) made.dispose();
    throw error;
  }
}

/** Frees the memory of every parameter and stored matrix of a module. The module must not be used afterwards. */
export function dispose(module: object): void {
  for (const each of tensors(module).values()) each.dispose();
}

/** Every tensor of a module by its property path: parameters and the words of stored matrices. */
export function tensors(module: object): Map<string, Tensor> {
  const found = new Map<string, Tensor>();
  collect(module, "", new Set(), found);
  return found;
}

function collect(node: unknown, path: string, seen: Set<object>, found: Map<string, Tensor>): void {
  if (typeof node !== "object" || node === null || seen.has(node) || ArrayBuffer.isView(node)) return;
  seen.add(node);
  if (node instanceof Tensor) found.set(path, node);
  else {
    for (const [key, child] of Object.entries(node)) collect(child, path === "" ? key : `${path}.${key}`, seen, found);
  }
}
