import { join } from "node:path";
import { type Parameter, parameters } from "@tessera-lm/layers";
import type { TensorToWrite } from "@tessera-lm/weights";
import { writeFileAtomic, writeSafetensorsFile } from "@tessera-lm/weights/node";
import { toConfigJson, toGenerationJson } from "./config-json.ts";
import { TensorMismatchError } from "./errors.ts";
import type { Gpt2 } from "./gpt2.ts";
import { huggingFaceNames } from "./hugging-face-names.ts";
import { parameterShapes } from "./parameter-shapes.ts";

/**
 * Writes a model as transformers' GPT2LMHeadModel does: `config.json`, `generation_config.json` and `model.safetensors`
 * (float32). Each file appears whole or not at all, and the folder is made if it is missing. GPT-2 in transformers
 * always has biases: those that a bias-free model lacks are written as zeros, and `loadModel` leaves them out again.
 * Weights are fetched from the backend one after the other, while the event loop runs: do not change the model until
 * the promise resolves.
 * @throws {TensorMismatchError} if a part of the model was replaced: merge adapters first
 * @throws {WriteError} of `@tessera-lm/weights`, when a file cannot be written
 */
export async function saveModel(model: Gpt2, folder: string): Promise<void> {
  await writeSafetensorsFile(join(folder, "model.safetensors"), tensorsToWrite(model), { format: "pt" });
  await writeFileAtomic(join(folder, "config.json"), jsonText(toConfigJson(model.config)));
  await writeFileAtomic(join(folder, "generation_config.json"), jsonText(toGenerationJson(model.config)));
}

/** Everything that GPT2LMHeadModel wants, by its names. */
function tensorsToWrite(model: Gpt2): [string, TensorToWrite][] {
  const own = parameters(model);
  checkComplete(model, own);
  return [...parameterShapes({ ...model.config, bias: true })].map(([path, shape]) => {
    return [huggingFaceNames(path), { dtype: "F32", shape, read: () => values(own.get(path), shape) }];
  });
}

async function values(parameter: Parameter | undefined, shape: readonly number[]): Promise<Float32Array> {
  if (parameter !== undefined) return parameter.data<"float32">();
  return new Float32Array(shape.reduce((product, length) => product * length, 1));
}

function checkComplete(model: Gpt2, own: ReadonlyMap<string, Parameter>): void {
  const expected = parameterShapes(model.config);
  const problems = [
    ...[...expected.keys()].filter((path) => !own.has(path)).map((path) => `missing: ${path}`),
    ...[...own.keys()].filter((path) => !expected.has(path)).map((path) => `not of GPT-2: ${path}`),
  ];
  if (problems.length === 0) return;
  throw new TensorMismatchError(
    "saveModel: the parameters are not GPT-2's own; merge or remove adapters first",
    problems,
  );
}

function jsonText(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
