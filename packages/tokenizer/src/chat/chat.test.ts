import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MissingTokenizerError } from "../files/errors.ts";
import cases from "../fixtures/chats.json" with { type: "json" };
import { tokenizerFromTiktoken } from "../formats/tiktoken.ts";
import { byteTokenizer } from "../models/byte.ts";
import { loadChatTemplate } from "../node.ts";
import { PipelineTokenizer } from "../pipeline.ts";
import { splitPatterns } from "../split/split-patterns.ts";
import { encodeChatWithMask } from "./assistant-mask.ts";
import { type ChatMessage, ChatTemplate } from "./chat-template.ts";
import { encodeChat } from "./encode-chat.ts";
import { TemplateError } from "./errors.ts";
import { chatTemplateFromFiles } from "./read-template.ts";

const tokens = { bos_token: "<s>", eos_token: "</s>" };

async function load(name: string): Promise<ChatTemplate> {
  const source = await readFile(new URL(`../fixtures/chat/${name}.jinja`, import.meta.url), "utf8");
  return new ChatTemplate(source, tokens);
}

test.each(cases)(
  "transformers' text: $template, $name, $options",
  async ({ template, messages, options, ...expected }) => {
    const render = async (): Promise<string> =>
      (await load(template)).render(messages as ChatMessage[], {
        addGenerationPrompt: options.add_generation_prompt ?? false,
        continueFinalMessage: options.continue_final_message ?? false,
        ...(options.tools && { tools: options.tools }),
        variables: { date_string: "1 Feb 2026" },
      });
    if (expected.text !== undefined) expect(await render()).toBe(expected.text);
    else await expect(render()).rejects.toThrow(expected.error?.includes("alternate") ? expected.error : TemplateError);
  },
);

describe("a wrong template is refused with its line", () => {
  test.each([
    ["{% if %}", 1],
    ["{% if a %}x{% endif %}\n{{ a b }}\n{% if c %}y{% endif %}", 2],
    ["{% if a %}x{% endif %}\n\n{% for b in c %}\n{{ b }}", 3],
    ["a\n\n{{ foo(", 3],
    ["{% if a %}x{% endif %}\n{% endfor %}\n{% if c %}y{% endif %}", 2],
  ])("%j", (source, line) => {
    expect(() => new ChatTemplate(source)).toThrow(TemplateError);
    expect(() => new ChatTemplate(source)).toThrow(expect.objectContaining({ line }));
  });

  test("without it, where a template is too long to find it soon", () => {
    const source = `{% if %}${"{{ a }}\n".repeat(20_000)}`;
    expect(() => new ChatTemplate(source)).toThrow(expect.objectContaining({ line: undefined }));
  });

  test("so are messages that it refuses", async () => {
    const template = await load("llama2");
    const render = (): string => template.render([{ role: "assistant", content: "" }]);
    expect(render).toThrow(
      expect.objectContaining({ line: 10, message: expect.stringContaining("Roles must alternate") }),
    );
  });
});

test("what cannot be continued is said", async () => {
  const template = await load("chatml");
  const continueFinalMessage = true;
  expect(() => template.render([], { continueFinalMessage })).toThrow("no text in a final message");
  expect(() =>
    template.render([{ role: "user", content: "x" }], { continueFinalMessage, addGenerationPrompt: true }),
  ).toThrow("not both");
  const without = new ChatTemplate("{{ messages[0].role }}");
  expect(() => without.render([{ role: "user", content: "x" }], { continueFinalMessage })).toThrow(
    "leaves its text out",
  );
});

test("a final message of several blocks is continued in its last text", () => {
  const template = new ChatTemplate("{% for b in messages[0].content %}[{{ b.text or b.type }}]{% endfor %}");
  const content = [{ type: "text", text: "a" }, { type: "text", text: "b" }, { type: "image" }];
  expect(template.render([{ role: "user", content }], { continueFinalMessage: true })).toBe("[a][b");
});

describe("encodeChat", () => {
  const bytes = Array.from({ length: 256 }, (_, byte) => `${btoa(String.fromCharCode(byte))} ${byte}`).join("\n");
  const specialTokens = { "<|im_start|>": 256, "<|im_end|>": 257, "<|": 258 };
  const tokenizer = tokenizerFromTiktoken(bytes, { pattern: splitPatterns.qwen2, specialTokens });
  const ordinary = (text: string): number[] => [...tokenizer.encode(text)];

  test("the template's special tokens are ids", async () => {
    const ids = encodeChat(tokenizer, await load("chatml"), [{ role: "system", content: "Hi" }], {
      addGenerationPrompt: true,
    });
    expect([...ids]).toEqual([256, ...ordinary("system\nHi"), 257, 10, 256, ...ordinary("assistant\n")]);
  });

  test("those in messages are text, and so is what two messages make together", async () => {
    const template = await load("chatml");
    const pieces = fc.constantFrom("<|im_end|>", "<|im_start|>", "<|", "im_end|>", "<", "|", "a", "\n", "\ufdd0", "é");
    const content = fc.array(pieces, { maxLength: 8 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(content, content, (first, second) => {
        const messages = [
          { role: "system", content: first },
          { role: "user", content: second },
        ];
        const turn = (role: string, text: string): number[] => [256, ...ordinary(`${role}\n${text}`), 257, 10];
        expect([...encodeChat(tokenizer, template, messages)]).toEqual([
          ...turn("system", first),
          ...turn("user", second),
        ]);
      }),
    );
  });

  test("those in tools and other variables too", () => {
    const template = new ChatTemplate("<|im_start|>{{ tools | tojson }}{{ name }}<|im_end|>");
    const ids = encodeChat(tokenizer, template, [], {
      tools: [{ a: "<|im_end|>" }],
      variables: { name: "<|im_start|>" },
    });
    expect([...ids]).toEqual([256, ...ordinary('[{"a": "<|im_end|>"}]<|im_start|>'), 257]);
  });
});

describe("encodeChat cannot be tricked", () => {
  const bytes = Array.from({ length: 256 }, (_, byte) => `${btoa(String.fromCharCode(byte))} ${byte}`).join("\n");
  const specialTokens = { "<|im_end|>": 256, "§": 257, aba: 258 };
  const tokenizer = tokenizerFromTiktoken(bytes, { pattern: splitPatterns.qwen2, specialTokens });
  const specialIds = (ids: Uint32Array): number[] => [...ids].filter((id) => id >= 256);

  test("by the keys of tools", () => {
    const template = new ChatTemplate("{{ tools | tojson }}<|im_end|>");
    const ids = encodeChat(tokenizer, template, [], { tools: [{ "x<|im_end|>": { "§": 1 } }] });
    expect(specialIds(ids)).toEqual([256]);
    expect(tokenizer.decode(ids)).toBe('[{"x<|im_end|>": {"§": 1}}]<|im_end|>');
  });

  test.each(["§", "§§a", "ababa", "<|im_end|>§", "a§", "aab"])("by %j", (content) => {
    const template = new ChatTemplate("§{{ messages[0].content }}<|im_end|>{{ messages[0].content }}§");
    const ids = encodeChat(tokenizer, template, [{ role: "user", content }]);
    expect([ids[0], ...specialIds(ids)]).toEqual([257, 257, 256, 257]);
  });

  test("by what the template cuts off", () => {
    const template = new ChatTemplate("{{ messages[0].content[1:] }}<|im_end|>");
    const ids = encodeChat(tokenizer, template, [{ role: "user", content: "<|im_end|>" }]);
    expect(specialIds(ids)).toEqual([256]);
  });

  test("what JSON cannot hold is named", () => {
    const content = 3n as unknown as string;
    expect(() => encodeChat(tokenizer, new ChatTemplate("x"), [{ role: "user", content }])).toThrow(TemplateError);
  });
});

describe("encodeChat finds the template's tokens as the tokenizer does", () => {
  const vocab = { "[UNK]": 0, a: 1, b: 2, "<": 3, ">": 4, "▁": 5 };
  const special = (id: number, content: string, more: object = {}): object => ({ id, content, special: true, ...more });
  const tokenizer = new PipelineTokenizer({
    normalizer: { type: "NFKC" },
    pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: "first" },
    model: { type: "Unigram", vocab: Object.keys(vocab).map((token) => [token, -1]), unk_id: 0 },
    added_tokens: [
      special(6, "<a>", { normalized: true }),
      special(7, "<b>", { normalized: false, lstrip: true, rstrip: true }),
      special(8, "ab", { normalized: false, single_word: true }),
    ],
  });
  const template = new ChatTemplate("<a> <b> {{ messages[0].content }} ab<b><a>");
  const contents = ["ba", "<b>", "<a>", "ab", "＜a＞", "＜b＞ａ", "b<b>", "a<a>a <a>", "ａb ab"];
  const encode = (content: string): number[] => [...encodeChat(tokenizer, template, [{ role: "user", content }])];

  test.each(contents)("around %j", (content) => {
    const [start, end] = [
      [6, 7],
      [8, 7, 6],
    ];
    const ids = encode(content);
    expect(ids.slice(0, 2)).toEqual(start);
    expect(ids.slice(-3)).toEqual(end);
    expect(ids.slice(2, -3).filter((id) => id > 5)).toEqual([]);
    expect(tokenizer.decode(ids.slice(2, -3)).replace(/\s/g, "").length).toBeGreaterThan(0);
  });

  test("as `encode` does where nothing is to be told apart", () => {
    expect(encode("b a b")).toEqual([...tokenizer.encode("<a> <b> b a b ab<b><a>", { allowedSpecial: "all" })]);
  });
});

describe("a template in the files of a model", () => {
  const config = (chat_template: unknown): { config: string } => ({
    config: JSON.stringify({
      bos_token: { content: "<s>", lstrip: false },
      eos_token: "</s>",
      pad_token: null,
      add_bos_token: true,
      chat_template,
    }),
  });

  test("is a text, with the special tokens beside it", () => {
    const template = chatTemplateFromFiles(config("{{ bos_token }}|{{ eos_token }}|{{ pad_token is defined }}"));
    expect(template.render([])).toBe("<s>|</s>|false");
  });

  test("has a name, where there are several", () => {
    const list = [
      { name: "default", template: "d" },
      { name: "tool_use", template: "t" },
    ];
    expect(chatTemplateFromFiles(config(list)).render([])).toBe("d");
    expect(chatTemplateFromFiles(config(list), "tool_use").render([])).toBe("t");
    expect(() => chatTemplateFromFiles(config(list), "rag")).toThrow("default, tool_use");
    expect(() => chatTemplateFromFiles(config(undefined))).toThrow(TemplateError);
    expect(() => chatTemplateFromFiles(config([{ name: 3 }]))).toThrow("chat_template[0].name");
  });

  test("or is a file of its own in the folder", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tessera-chat-"));
    await expect(loadChatTemplate(folder)).rejects.toThrow(MissingTokenizerError);
    await writeFile(join(folder, "tokenizer_config.json"), config("old").config);
    expect((await loadChatTemplate(folder)).render([])).toBe("old");
    await writeFile(join(folder, "chat_template.jinja"), "{{ eos_token }}new");
    expect((await loadChatTemplate(folder)).render([])).toBe("</s>new");
    await rm(folder, { recursive: true });
  });
});

test("strftime_now tells today", () => {
  const year = String(new Date().getFullYear());
  expect(new ChatTemplate("{{ strftime_now('%Y') }}").render([])).toBe(year);
});

describe("what the assistant wrote", () => {
  const tokenizer = byteTokenizer(["<|im_start|>", "<|im_end|>"]);
  const chat: ChatMessage[] = [
    { role: "user", content: "Hi<|im_end|>" },
    { role: "assistant", content: " é!<|im_end|>" },
    { role: "user", content: "" },
    { role: "assistant", content: "ok" },
  ];
  const written = (template: ChatTemplate, messages: readonly ChatMessage[], options = {}): string => {
    const { ids, assistantMask } = encodeChatWithMask(tokenizer, template, messages, options);
    expect(ids).toEqual(encodeChat(tokenizer, template, messages, options));
    return tokenizer.decode(ids.filter((_, index) => assistantMask[index] === 1));
  };

  test.each(cases.filter(({ assistant }) => assistant !== undefined))(
    "transformers' mask: $template, $name, $options",
    async ({ template, messages, options, assistant }) => {
      const tools = options.tools && { tools: options.tools };
      const found = written(await load(template), messages as ChatMessage[], {
        addGenerationPrompt: options.add_generation_prompt ?? false,
        ...tools,
      });
      expect(found).toBe(assistant?.join(""));
    },
  );

  test("is what its messages add, where a template does not say it", async () => {
    expect(written(await load("chatml"), chat)).toBe(" é!<|im_end|><|im_end|>\nok<|im_end|>\n");
    expect(written(await load("chatml"), chat.slice(0, 3), { addGenerationPrompt: true })).toBe(
      " é!<|im_end|><|im_end|>\n",
    );
    expect(written(await load("chatml"), chat, { continueFinalMessage: true })).toBe(" é!<|im_end|><|im_end|>\nok");
    expect(written(await load("chatml"), chat.slice(0, 1))).toBe("");
  });

  test("ends a turn with a special token only where the template does", async () => {
    const { ids, assistantMask } = encodeChatWithMask(tokenizer, await load("chatml"), chat);
    const end = tokenizer.specialTokens.get("<|im_end|>");
    expect([...ids].filter((id, index) => id === end && assistantMask[index] === 1)).toHaveLength(2);
  });

  test("a token on its border is the assistant's", () => {
    const merged = new PipelineTokenizer({
      model: {
        type: "BPE",
        vocab: { a: 0, b: 1, c: 2, ab: 3, bc: 4 },
        merges: [
          ["a", "b"],
          ["b", "c"],
        ],
      },
    });
    const mask = (source: string): number[] => [
      ...encodeChatWithMask(merged, new ChatTemplate(source), [{ role: "assistant", content: "b" }]).assistantMask,
    ];
    expect(mask("a{% generation %}b{% endgeneration %}c")).toEqual([1, 0]);
    expect(mask("c{% generation %}a{% endgeneration %}b")).toEqual([0, 1]);
  });

  test("is refused where a template writes it otherwise later", () => {
    const last = new ChatTemplate(
      "{% for m in messages %}{% if loop.last %}<last>{% endif %}{{ m.content }}{% endfor %}",
    );
    expect(() => encodeChatWithMask(tokenizer, last, chat)).toThrow(TemplateError);
  });
});

test("a message without a role is named", () => {
  const template = new ChatTemplate("{% for m in messages %}{{ m.role + m.content }}{% endfor %}");
  const wrong = { rol: "user", content: "hi" } as unknown as ChatMessage;
  expect(() => template.render([{ role: "user", content: "hi" }, wrong])).toThrow(/message 1 has no role/);
});
