import { Embedding, Linear, modules, replaceModules, StoredEmbedding, StoredLinear } from "@tessera-lm/layers";
import type { StoredMatrix } from "@tessera-lm/ops";

/**
 * The modules whose matrices may be kept in fewer bits, each under its first path: linear layers, embeddings and heads.
 * Tables of positions stay float32, as in llama.cpp: they are small, and every token shows their errors.
 */
export function storable(model: object): Map<string, Linear | Embedding> {
  const found = new Map<string, Linear | Embedding>();
  const seen = new Set<object>();
  for (const { path, key, module } of modules(model)) {
    if (seen.has(module) || key === "positionEmbedding") continue;
    seen.add(module);
    if (module instanceof Linear || module instanceof Embedding) found.set(path, module);
  }
  return found;
}

/** Puts a stored matrix in the place of a module's weight, wherever the module is used. Its bias stays. */
export function store(model: object, module: Linear | Embedding, matrix: StoredMatrix): void {
  const stored = module instanceof Linear ? new StoredLinear(matrix, module.bias) : new StoredEmbedding(matrix);
  replaceModules(model, (_, each) => (each === module ? stored : undefined));
  module.weight.dispose();
}

/** The stored matrices of a model by the path of the weight that they are. */
export function storedMatrices(model: object): Map<string, StoredMatrix> {
  const found = new Map<string, StoredMatrix>();
  for (const { path, module } of modules(model)) {
    if (module instanceof StoredLinear || module instanceof StoredEmbedding) found.set(`${path}.weight`, module.weight);
  }
  return found;
}
