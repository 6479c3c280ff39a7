/**
 * ONNX Runtime's side of the decoding benchmark. Arguments: the folder where onnxruntime-node is installed, the model,
 * threads, tokens of the prompt, new tokens.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { serve } from "../serve.ts";

/** The cache so far, a tensor of ONNX Runtime, and the token to read next. */
interface State {
  readonly past: unknown;
  readonly token: number;
}

await serve(async () => {
  const [peers = "", file = "", ...numbers] = process.argv.slice(2);
  const [threads, promptLength, newTokens] = numbers.map(Number) as [number, number, number];
  const { InferenceSession, Tensor } = createRequire(join(peers, "package.json"))("onnxruntime-node");
  const options = { intraOpNumThreads: threads, interOpNumThreads: 1, graphOptimizationLevel: "all" };
  const session = await InferenceSession.create(file, options);
  const prompt = Array.from({ length: promptLength }, (_, i) => (7919 * i) % 50257);
  const nothing = new Tensor("float32", new Float32Array(0), [24, 1, 12, 0, 64]);

  const step = async (tokens: readonly number[], past: unknown): Promise<State> => {
    const ids = new Tensor("int64", BigInt64Array.from(tokens, BigInt), [1, tokens.length]);
    const { logits, present } = await session.run({ tokens: ids, past });
    const values: Float32Array = logits.data;
    let token = 0;
    for (let i = 1; i < values.length; i++) if ((values[i] as number) > (values[token] as number)) token = i;
    return { past: present, token };
  };

  const decode = async (start: State): Promise<number> => {
    let state = start;
    for (let i = 0; i < newTokens; i++) state = await step([state.token], state.past);
    return state.token;
  };

  return {
    name: `onnxruntime-node, ${threads} threads`,
    async run(work) {
      const start = work === "prefill" ? undefined : await step(prompt, nothing);
      const started = performance.now();
      const check = start ? await decode(start) : (await step(prompt, nothing)).token;
      return { check, milliseconds: performance.now() - started };
    },
  };
});
