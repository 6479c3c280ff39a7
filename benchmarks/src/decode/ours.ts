/** Our side of the decoding benchmark. Argument: {@link DecodeSettings}. */
import { type BackendName, useBackend } from "@tessera-lm/backend";
import { generate } from "@tessera-lm/gpt";
import { loadModel } from "@tessera-lm/gpt/node";
import { serve } from "../serve.ts";
import type { DecodeSettings } from "./cases.ts";

await serve(async () => {
  const settings = JSON.parse(process.argv[2] ?? "{}") as DecodeSettings;
  const { name } = await useBackend(settings.backend as BackendName | undefined);
  const model = await loadModel(settings.folder, "decoder", { precision: settings.format });
  const prompt = Array.from({ length: settings.promptLength }, (_, i) => (7919 * i) % model.vocabSize);

  /** The time to the first token, or that of those after it. */
  const run = async (work: string | undefined) => {
    const maxNewTokens = work === "prefill" ? 1 : settings.newTokens + 1;
    let [check, started, count] = [0, performance.now(), 0];
    for await (const token of generate(model, prompt, { maxNewTokens, temperature: 0, stopTokens: [] })) {
      check = token;
      if (++count === 1 && work !== "prefill") started = performance.now();
    }
    return { check, milliseconds: performance.now() - started };
  };
  return { name, run };
});
