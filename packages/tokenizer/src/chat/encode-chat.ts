import { anyOf, type CutOptions } from "../special-tokens.ts";
import type { Tokenizer } from "../tokenizer.ts";
import type { ChatMessage, ChatTemplate, RenderChatOptions } from "./chat-template.ts";
import { TemplateError } from "./errors.ts";

/**
 * The ids of a conversation. The special tokens that the template writes become their ids; their names inside of
 * messages, tools, documents and variables, keys included, stay ordinary text, so that nobody can end a turn that is
 * not theirs.
 *
 * To tell them apart, each such name is marked with a character that occurs nowhere in the input before the template
 * sees it. `encode` takes the marks out again once it has found the special tokens.
 *
 * @param tokenizer one of this package
 * @throws TemplateError, also for values that JSON cannot hold, such as a BigInt; and what `tokenizer.encode` throws
 */
export function encodeChat(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  options: RenderChatOptions = {},
): Uint32Array {
  const [mark] = unusedCharacters(1, [messages, options, template.source, template.specialTokens]) as [string];
  const [marked, variables] = withMarkedNames(tokenizer, mark, [messages, options]) as [
    ChatMessage[],
    RenderChatOptions,
  ];
  return encodeRendered(tokenizer, template.render(marked, variables), mark);
}

/** The ids of a text in which names of special tokens that are ordinary text have been marked. */
export function encodeRendered(tokenizer: Tokenizer, text: string, mark: string): Uint32Array {
  return tokenizer.encode(text, allowAll(mark));
}

/** A copy with the names of special tokens marked in each text, keys included. */
export function withMarkedNames(tokenizer: Tokenizer, mark: string, value: unknown): unknown {
  return mapTexts(value, (text) => markNames(tokenizer, text, mark));
}

function allowAll(mark: string): CutOptions {
  return { allowedSpecial: "all", mark };
}

function asJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw new TemplateError(
      `the conversation is not JSON (${(cause as Error).message}); give texts, numbers and lists`,
      {
        cause,
      },
    );
  }
}

/** Some of Unicode's noncharacters, which no text should contain and these do not. @throws TemplateError */
export function unusedCharacters(count: number, texts: unknown): string[] {
  const text = asJson(texts);
  const unused: string[] = [];
  for (let code = 0xfdd0; unused.length < count; code++) {
    const character = String.fromCharCode(code);
    if (!text.includes(character)) unused.push(character);
  }
  return unused;
}

/** A copy with each text in it changed, keys too. */
function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((entry) => mapTexts(entry, change));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [change(key), mapTexts(entry, change)]));
}

/** A mark before each name and, so that the template cannot cut it off, within. */
function markNames(tokenizer: Tokenizer, text: string, mark: string): string {
  if (tokenizer.specialTokens.size === 0) return text;
  const names = new RegExp(`(?=(${anyOf([...tokenizer.specialTokens.keys()])}))[^]`, "gu");
  const marked = text.replace(names, (first, name) => mark + first + (first === name ? "" : mark));
  return holdsSpecialTokens(tokenizer, marked, mark) ? text.replace(/[^]/gu, (character) => mark + character) : marked;
}

/** Whether a special token is found even so: a normalizer may make its name of other characters. */
function holdsSpecialTokens(tokenizer: Tokenizer, text: string, mark: string): boolean {
  const found = tokenizer.encode(text, allowAll(mark));
  const ordinary = tokenizer.encode(text.replaceAll(mark, ""));
  return found.length !== ordinary.length || found.some((id, index) => id !== ordinary[index]);
}
