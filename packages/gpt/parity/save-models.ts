// Saves small models with what they compute, for open-in-transformers.py.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tensor2d, tidy } from "@tensorflow/tfjs";
import { dispose, normal, parameters, randomGenerator } from "@tessera-lm/layers";
import { createGpt2, type Gpt2 } from "../src/index.ts";
import { saveModel } from "../src/node.ts";

const size = { vocabSize: 65, contextLength: 32, numLayers: 3, numHeads: 4, width: 48, dropout: 0.2 };
const tokens = [Array.from({ length: 32 }, (_, i) => (i * 7) % 65), Array.from({ length: 32 }, (_, i) => (i * i) % 65)];

/** Adds noise, so that no part of the model is without effect. */
function scramble(model: Gpt2): void {
  const random = randomGenerator(2);
  for (const parameter of parameters(model).values()) {
    const noise = normal(parameter.shape, 0.1, random);
    tidy(() => parameter.assign(parameter.add(noise)));
    noise.dispose();
  }
}

for (const bias of [true, false]) {
  for (const activation of ["gelu-tanh", "gelu"] as const) {
    const model = createGpt2({ ...size, bias, activation }, 1);
    scramble(model);
    const folder = join(process.argv[2] ?? "parity-models", `${activation}-${bias ? "biases" : "no-biases"}`);
    await saveModel(model, folder);
    const logits = tidy(() => model.forward(tensor2d(tokens, [2, 32], "int32")).arraySync());
    await writeFile(join(folder, "logits.json"), JSON.stringify({ tokens, logits }));
    dispose(model);
  }
}
