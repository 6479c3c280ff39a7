import { memory } from "@tensorflow/tfjs";
import { dispose } from "@tessera-lm/layers";
import { expect, test } from "vitest";
import { ArgumentError, GenerationError, SequenceTooLongError } from "../errors.ts";
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
  expect(() => chat.generate([1], options)).toThrow("the conversation has been disposed of");
  expect(second).toEqual(await collect(generate(model, prompt, options)));
  expect(third).toEqual(await collect(generate(model, edited, options)));
});

test("what was read before an abort is not read again", async () => {
  const model = new Watched(decoders["GPT-2"](), { supportsCache: true });
  const chat = new Conversation(model, { chunkSize: 2 });
  const prompt = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  const controller = new AbortController();
  const { forward } = model;
  model.forward = (tokens, options) => {
    if (model.lengths.length === 2) controller.abort();
    return forward.call(model, tokens, options);
  };
  expect(await collect(chat.generate(prompt, { maxNewTokens: 2, signal: controller.signal }))).toEqual([]);
  expect(model.lengths).toEqual([2, 2, 2]);
  model.lengths.length = 0;
  const tokens = await collect(chat.generate(prompt, { maxNewTokens: 2 }));
  expect(model.lengths).toEqual([2, 1, 1]);
  expect(tokens).toEqual(await collect(generate(model, prompt, { maxNewTokens: 2 })));
  chat.dispose();
});

test("two texts at a time do not disturb each other", async () => {
  const model = decoders["learned positions"]();
  const chat = new Conversation(model, { chunkSize: 2 });
  const prompts = [
    [1, 2, 3, 4, 5, 6],
    [1, 2, 9, 9, 9, 9, 9],
  ];
  const options = { maxNewTokens: 5, seed: 3 };
  const together = await Promise.all(prompts.map((prompt) => collect(chat.generate(prompt, options))));
  for (const [i, prompt] of prompts.entries()) {
    expect(together[i]).toEqual(await collect(generate(model, prompt, options)));
  }
  chat.dispose();
  dispose(model);
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

test("what is no model, or are no options, is refused", () => {
  for (const wrong of [undefined, null, Promise.resolve()] as never[]) {
    expect(() => new Conversation(wrong)).toThrow(GenerationError);
  }
  const model = decoders["GPT-2"]();
  for (const wrong of [null, 5] as never[]) expect(() => new Conversation(model, wrong)).toThrow(ArgumentError);
  expect(() => new Conversation(model, { chunkSize: "2" as never })).toThrow('Conversation: chunkSize is "2"');
  expect(() => new Conversation(model, { capacity: 0 })).toThrow("Conversation: capacity is 0");
  new Conversation(model, { capacity: Infinity }).dispose();
  dispose(model);
});
