import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { tensor, tidy } from "@tensorflow/tfjs";
import { dispose, parameters, zeros } from "@tessera-lm/layers";
import type { HostTensor, TensorFile } from "@tessera-lm/weights";
import { openSafetensorsFile } from "@tessera-lm/weights/node";
import type { ResolvedGpt2Config } from "./config.ts";
import { fromConfigJson } from "./config-json.ts";
import { ModelFileError, TensorMismatchError } from "./errors.ts";
import { assembleGpt2, type Gpt2 } from "./gpt2.ts";
import { huggingFaceNames } from "./hugging-face-names.ts";
import { parameterShapes } from "./parameter-shapes.ts";

/**
 * Opens a model folder in Hugging Face's layout: `config.json` of GPT-2 and `model.safetensors` in F32, F16 or BF16,
 * with or without the `transformer.` prefix. Weights are read one tensor at a time and held as float32.
 * @throws {ModelFileError} for a file that is missing or is not JSON
 * @throws {UnsupportedModelError} for another architecture
 * @throws {ConfigError} for a configuration that cannot be built
 * @throws {TensorMismatchError} for tensors that are missing, unknown or of another shape
 * @throws {SafetensorsError | UnsupportedDTypeError | ReadError} of `@tessera-lm/weights`, for a damaged weight file
 */
export async function loadModel(folder: string): Promise<Gpt2> {
  const config = await readConfig(join(folder, "config.json"));
  const path = await weightsPath(folder);
  const file = await openSafetensorsFile(path);
  try {
    const names = checkedNames(file, config, path);
    return await readWeights(file, names, { ...config, bias: config.bias || (await hasBiases(file, names)) });
  } finally {
    await file.close();
  }
}

async function readConfig(path: string): Promise<ResolvedGpt2Config> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new ModelFileError(`Cannot read ${path}. A model folder holds config.json and model.safetensors.`, { cause });
  });
  try {
    return fromConfigJson(JSON.parse(text), path);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ModelFileError(`${path} is not JSON: ${error.message}.`, { cause: error });
  }
}

async function weightsPath(folder: string): Promise<string> {
  const path = join(folder, "model.safetensors");
  const exists = (file: string): Promise<boolean> =>
    access(file).then(
      () => true,
      () => false,
    );
  if (await exists(path)) return path;
  const others = ["model.safetensors.index.json", "pytorch_model.bin"];
  const found = (await Promise.all(others.map((name) => exists(join(folder, name))))).indexOf(true);
  const advice = found === -1 ? "" : ` It has ${others[found]}: save it in one piece as safetensors with transformers.`;
  throw new ModelFileError(`${folder} has no model.safetensors.${advice}`);
}

/** The name in the file of every parameter that GPT-2 with biases has. @throws {TensorMismatchError} */
function checkedNames({ entries }: TensorFile, config: ResolvedGpt2Config, path: string): Map<string, string> {
  const mismatch = `${path} does not hold the GPT-2 of its config.json`;
  if (config.numLayers > entries.size) {
    throw new TensorMismatchError(mismatch, [`it has ${entries.size} tensors for ${config.numLayers} layers`]);
  }
  const present = new Map([...entries.keys()].filter((name) => !isIgnored(name)).map((name) => [full(name), name]));
  const names = new Map<string, string>();
  const problems: string[] = [];
  for (const [parameter, shape] of parameterShapes({ ...config, bias: true })) {
    const wanted = huggingFaceNames(parameter);
    const name = present.get(wanted) ?? wanted;
    present.delete(wanted);
    const found = entries.get(name)?.shape;
    if (found === undefined) problems.push(`missing: ${wanted} [${shape}]`);
    else if (String(found) !== String(shape)) problems.push(`${name} is [${found}], expected [${shape}]`);
    names.set(parameter, name);
  }
  for (const name of present.values()) problems.push(`unknown: ${name}`);
  if (problems.length > 0) throw new TensorMismatchError(mismatch, problems);
  return names;
}

/** Causal masks that older files carry along, and a copy of the tied head. */
function isIgnored(name: string): boolean {
  return /(^|\.)h\.\d+\.attn\.(bias|masked_bias)$/.test(name) || name === "lm_head.weight";
}

function full(name: string): string {
  return name.startsWith("transformer.") ? name : `transformer.${name}`;
}

/** Whether any bias is not zero: a bias-free model that was trained further in transformers has got biases. */
async function hasBiases(file: TensorFile, names: ReadonlyMap<string, string>): Promise<boolean> {
  for (const [parameter, name] of names) {
    if (!/\.(bias|shift)$/.test(parameter)) continue;
    if ((await readFloats(file, name)).some((value) => value !== 0)) return true;
  }
  return false;
}

async function readWeights(
  file: TensorFile,
  names: ReadonlyMap<string, string>,
  config: ResolvedGpt2Config,
): Promise<Gpt2> {
  const model = assembleGpt2(config, zeros);
  try {
    for (const [path, parameter] of parameters(model)) {
      const values = await readFloats(file, names.get(path) as string);
      tidy(() => parameter.assign(tensor(values, parameter.shape, "float32")));
    }
    return model;
  } catch (error) {
    dispose(model);
    throw error;
  }
}

async function readFloats(file: TensorFile, name: string): Promise<Float32Array> {
  const { data, dtype }: HostTensor = await file.read(name);
  if (data instanceof Float32Array) return data;
  throw new TensorMismatchError("loadModel: weights are F32, F16 or BF16", [`${name} is ${dtype}`]);
}
