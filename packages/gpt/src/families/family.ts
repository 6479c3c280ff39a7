import type { Initializer } from "@tessera-lm/layers";
import type { TensorEntry } from "@tessera-lm/weights";
import { ConfigError, UnsupportedModelError } from "../errors.ts";

/** The fields of a JSON file. */
export type Json = Readonly<Record<string, unknown>>;

/** A tensor of a weight file and the parameter of ours that it is. */
export interface StoredTensor {
  readonly path: string;
  readonly name: string;
  /** In the file. */
  readonly shape: readonly number[];
  /** Whether the parameter is the transpose: weights of a Linear are (inputs, outputs) here, and there the other way. */
  readonly transposed: boolean;
  /** Whether a model may lack it: it is written as zeros. */
  readonly optional?: boolean;
}

/** One architecture of transformers: how its config.json and its tensors are ours. */
export interface Family<Config, Model extends object> {
  /** What messages call it. */
  readonly name: string;
  /** `model_type` of config.json. */
  readonly modelType: string;
  /** What names may begin with, or not: files of a model without its head leave it out. */
  readonly prefix: string;
  /** Tensors that files carry along and nobody needs. */
  isIgnored(name: string, config: Config): boolean;
  /** The usual name of a tensor that some files call otherwise, or carry along under several names. */
  canonical?(name: string): string;
  /**
   * @param fields of config.json
   * @param file its name, for messages
   * @param entries the tensors of the file
   * @throws {UnsupportedModelError} for a variant that computes something else
   * @throws {ConfigError} for a field that is out of range
   */
  readConfig(fields: Json, file: string, entries: ReadonlyMap<string, TensorEntry>): Config;
  /** The fields of config.json. */
  writeConfig(config: Config): Json;
  /** How many layers, each of several tensors, there are. */
  numLayers(config: Config): number;
  /** The configuration after a look at the weights, where config.json does not say all. */
  settle?(
    config: Config,
    tensors: readonly StoredTensor[],
    read: (tensor: StoredTensor) => Promise<Float32Array>,
  ): Promise<Config>;
  /** Every tensor of the file. */
  tensors(config: Config): readonly StoredTensor[];
  /** A model whose weights come from `initialize`. */
  assemble(config: Config, initialize: Initializer): Model;
}

/** The tensors of a model whose matrices are (out, in) in the file, all but the tables that ids look rows up in. */
export function storedTensors(
  shapes: ReadonlyMap<string, readonly number[]>,
  nameOf: (path: string) => string,
): StoredTensor[] {
  return [...shapes].map(([path, shape]) => {
    const transposed = shape.length === 2 && !/(Embedding|head|relativePosition)\.weight$/.test(path);
    return { path, name: nameOf(path), shape: transposed ? shape.toReversed() : shape, transposed };
  });
}

/** A path with each of its segments in the words of another project; an empty word drops the segment. */
export function renamed(path: string, words: Readonly<Record<string, string>>): string {
  const segments = path.split(".").map((segment) => words[segment] ?? segment);
  return segments.filter((segment) => segment !== "").join(".");
}

/** @throws {UnsupportedModelError} unless each field has one of the values that we compute */
export function requireFields(
  fields: Json,
  file: string,
  supported: Readonly<Record<string, readonly unknown[]>>,
): void {
  for (const [field, values] of Object.entries(supported)) {
    if (!values.includes(fields[field])) throw new UnsupportedModelError(file, field, fields[field], values);
  }
}

/** What a table says about a field. @throws {UnsupportedModelError} listing the keys of the table */
export function lookUp<T>(fields: Json, file: string, field: string, table: ReadonlyMap<unknown, T>): T {
  const found = table.get(fields[field]);
  if (found === undefined) throw new UnsupportedModelError(file, field, fields[field], [...table.keys()]);
  return found;
}

/** A configuration of ours from fields that may be anything. @throws {ConfigError} that names the file */
export function resolved<Given, Config>(resolve: (given: Given) => Config, given: unknown, file: string): Config {
  try {
    return resolve(given as Given);
  } catch (error) {
    throw error instanceof ConfigError ? new ConfigError(`${file}: ${error.message}`) : error;
  }
}

/** Null, as JSON writes what is not there, as undefined. */
export const present = (value: unknown): unknown => value ?? undefined;
