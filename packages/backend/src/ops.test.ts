import { type Tensor, tidy, type Variable, variable, variableGrads } from "@tensorflow/tfjs";
import * as ops from "@tessera-lm/ops";
import { describe, expect, it } from "vitest";
import { expectClose } from "./testing/close.ts";
import { type OwnKernels, ownKernelsDuring, ownKernelsOf } from "./testing/kernels.ts";
import { comparedBackends, gradientsOf, type Numbers, on, tensorOf } from "./testing/on-backend.ts";
import { differentiableCases, type OpsCase, otherCases } from "./testing/ops-cases.ts";
import { type BackendName, useBackend } from "./use-backend.ts";

const compared = await comparedBackends();
const cases = [...differentiableCases, ...otherCases];
const byName = (list: readonly OpsCase[]) => list.map((test) => [test.name, test] as const);

it("every operation is compared", () => {
  const operations = new Set<string>(cases.map(({ operation }) => operation));
  const ofFunctions = ["checkpoint", "repeated", "valueAndGradients"];
  const inJavaScript = ["attentionWeights", "backendSamples", "likeliestToken", "pickToken", "tokenDistribution"];
  const errors = ["GradientError", "OptionError", "ShapeError", "TokenIdError"];
  const withoutTensors = [...errors, "foldIn", "ropeFrequencies", "timesRewritten"];
  const others = Object.keys(ops).filter((name) => !operations.has(name));
  expect(others.sort()).toEqual([...withoutTensors, ...ofFunctions, ...inJavaScript].sort());
});

describe.each(compared)("on %s", (backend) => {
  it.each(byName(cases.filter(({ operation }) => canRun(backend, operation))))(
    "%s has cpu's value",
    async (name, { inputs, run }) => {
      await expectAsOnCpu(backend, `value of ${name}`, () => run(...inputs.map(tensorOf)));
    },
  );

  it.each(byName(differentiableCases))("%s has cpu's gradient", async (name, { inputs, run }) => {
    await expectAsOnCpu(backend, `gradient of ${name}`, gradientsOf(run, inputs));
  });

  it.each(byName(differentiableCases.filter(({ inputs }) => inputs.length > 1)))(
    "%s has cpu's gradient by each input while the others are frozen",
    async (name, { inputs, run }) => {
      for (const trained of inputs.keys()) {
        const gradient = () => gradientOfOne(run, inputs, trained);
        await expectAsOnCpu(backend, `gradient of ${name} by input ${trained}`, gradient);
      }
    },
  );
});

/** The composition of sampleTokens waits for logits, which webgpu cannot. */
function canRun(backend: BackendName, operation: string): boolean {
  return backend !== "webgpu" || operation !== "sampleTokens";
}

/** The kernels of add are those of TensorFlow.js; scores with a bias have none yet. */
const fused = cases.filter(({ operation, name }) => operation !== "add" && !name.includes('"biased":true'));

describe.each(compared.filter((name) => name.startsWith("tessera")))("%s", (backend) => {
  it.each(byName(fused))("runs %s by its own kernels", async (_, test) => {
    const { wanted, run } = await ownKernels(backend, test);
    expect(wanted).not.toEqual([]);
    expect(run, "a composition ran instead of a kernel").toEqual(wanted);
  });

  it("has no kernel that nothing asks for", async () => {
    const wanted: string[] = [];
    for (const test of fused) wanted.push(...(await ownKernels(backend, test)).wanted);
    expect(ownKernelsOf(backend).filter((name) => !wanted.includes(name))).toEqual([]);
  });
});

const cpuNumbers = new Map<string, Promise<Numbers>>();

/** Expects what cpu computes, which is computed once for all backends. */
async function expectAsOnCpu(backend: BackendName, key: string, f: () => Tensor): Promise<void> {
  if (!cpuNumbers.has(key)) cpuNumbers.set(key, on("cpu", f));
  const expected = (await cpuNumbers.get(key)) as Numbers;
  expectClose(await on(backend, f), expected);
}

/** The gradient by one input, where the others are variables that are not trained. */
function gradientOfOne(run: OpsCase["run"], inputs: readonly Numbers[], trained: number): Tensor {
  const variables = inputs.map((input, i) => variable(tensorOf(input), i === trained));
  const only = variables[trained] as Variable;
  const { grads } = variableGrads(() => run(...variables).sum(), [only]);
  for (const tensor of variables) tensor.dispose();
  return grads[only.name] as Tensor;
}

async function ownKernels(backend: BackendName, test: OpsCase): Promise<OwnKernels> {
  await useBackend(backend);
  const { inputs, run } = test;
  const both = gradientsOf(run, inputs);
  return ownKernelsDuring(
    () => void tidy(() => (differentiableCases.includes(test) ? both() : run(...inputs.map(tensorOf)))),
  );
}
