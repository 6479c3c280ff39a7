import { memory } from "@tensorflow/tfjs";
import { dispose } from "@tessera-lm/layers";
import { expect, test } from "vitest";
import { SequenceTooLongError } from "../errors.ts";
import { collect } from "../testing/collect.ts";
import { decoders, Watched } from "../testing/models.ts";
import { Conversation } from "./conversation.ts";
import { generate } from "./generate.ts";

test("only what is new is read, and the text is the same", async () => {
  const model = new Watched(decoders["rotary, grouped heads"](), { supportsCache: true });
  const before = memory().numTensors;
  const chat = new Conversation(model);
  const options = { maxNewTokens: 3, seed: 1 };
  const first = await collect(chat.generate([1, 2, 3, 4], options));
  const prompt = [1, 2, 3, 4, ...first, 9, 8];
  model.lengths.length = 0;
  const second = await collect(chat.generate(prompt, options));
  expect(model.lengths).toEqual([3, 1, 1]); // the last token of the answer, and two new ones
  const edited = [1, 2, 7, 7];
  model.lengths.length = 0;
  const third = await collect(chat.generate(edited, options));
  expect(model.lengths).toEqual([2, 1, 1]);
  chat.dispose();
  expect(memory().numTensors).toBe(before);
  expect(second).toEqual(await collect(generate(model, prompt, options)));
  expect(third).toEqual(await collect(generate(model, edited, options)));
});

test("a conversation longer than its capacity goes on with the end of it", async () => {
  const model = decoders["GPT-2"]();
  const chat = new Conversation(model, { capacity: 8, chunkSize: 4 });
  const options = { maxNewTokens: 20, temperature: 0 };
  expect(await collect(chat.generate([1, 2, 3], options))).toHaveLength(20);
  expect(() => chat.generate(Array(9).fill(1), options)).toThrow(SequenceTooLongError);
  expect(await collect(chat.generate(Array(9).fill(1), { ...options, truncatePrompt: true }))).toHaveLength(20);
  chat.dispose();
  dispose(model);
});
