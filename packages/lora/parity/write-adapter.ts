/**
 * Writes a random GPT-2, an adapter of it with random A and B, and the logits that we compute with both, into the
 * folder given as argument; check-peft.py then asks PEFT.
 */
import { join } from "node:path";
import { type Tensor, tensor2d, tidy } from "@tensorflow/tfjs";
import { createGpt2, huggingFaceNames } from "@tessera-lm/gpt";
import { saveModel } from "@tessera-lm/gpt/node";
import { normal, randomGenerator } from "@tessera-lm/layers";
import { writeSafetensorsFile } from "@tessera-lm/weights/node";
import { applyLora, removeLora } from "../src/index.ts";
import { saveAdapter } from "../src/node.ts";

const folder = process.argv[2] ?? "parity-out";
const model = createGpt2({ vocabSize: 97, contextLength: 24, numLayers: 3, numHeads: 4, width: 32 }, 1);
await saveModel(model, join(folder, "model"));

const tokens = Int32Array.from({ length: 40 }, (_, i) => (i * 31) % 97);
const logits = async (): Promise<Float32Array> => {
  const values: Tensor = tidy(() => model.forward(tensor2d(tokens, [2, 20], "int32")));
  return values.data<"float32">();
};
const expected = [["tokens", { dtype: "I32", shape: [2, 20], data: tokens }]] as Parameters<
  typeof writeSafetensorsFile
>[1];
const cases = {
  plain: { targets: ["qkv"], seed: 2 },
  "other-names": { targets: ["attention.output", /blocks\.1\.feedForward/], rank: 3, alpha: 7, dropout: 0.5, seed: 3 },
  "rank-stabilized": { targets: ["qkv", "up", "down"], rank: 4, alpha: 9, rankStabilized: true, seed: 4 },
};
const rows = [...expected];
for (const [name, options] of Object.entries(cases)) {
  const random = randomGenerator(5);
  for (const parameter of applyLora(model, options).parameters().values()) {
    tidy(() => parameter.assign(normal(parameter.shape as [number, number], 0.3, random)));
  }
  await saveAdapter(model, join(folder, name), { moduleName: huggingFaceNames });
  rows.push([name, { dtype: "F32", shape: [2, 20, 97], data: await logits() }]);
  removeLora(model);
}
await writeSafetensorsFile(join(folder, "expected.safetensors"), rows);
