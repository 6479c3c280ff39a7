import { tensor2d, tidy } from "@tensorflow/tfjs";
import { dispose } from "@tessera-lm/layers";
import { expect, test } from "vitest";
import { loadModel } from "../storage/load-model.ts";
import { greatestDifference } from "../testing/reference.ts";
import expected from "./fixtures/minilm.json" with { type: "json" };

/** A real model, outside the repository; fixtures/make-minilm.py says where to get it. */
const folder = process.env.MINILM_FOLDER;

test.skipIf(folder === undefined)("all-MiniLM-L6-v2 gives the embeddings of transformers", async () => {
  const model = await loadModel(folder as string, "encoder");
  const { tokens, mask, embeddings } = expected;
  const ours = tidy(() => {
    return model.embed(tensor2d(tokens, undefined, "int32"), { mask: tensor2d(mask) }).dataSync();
  });
  expect(greatestDifference(ours, embeddings.flat())).toBeLessThan(1e-5);
  dispose(model);
});
