import { cutAtSpecialTokens } from "../special-tokens.ts";
import type { TokenId, Tokenizer } from "../tokenizer.ts";
import type { ChatMessage, ChatTemplate, RenderChatOptions } from "./chat-template.ts";

/**
 * The ids of a conversation. The special tokens that the template writes become their ids; their names inside of
 * messages, tools, documents and variables stay ordinary text, so that nobody can end a turn that is not theirs.
 *
 * To tell them apart, a character that occurs nowhere in the input is put into each such name before the template sees
 * it, and taken out again of the ordinary text between the special tokens.
 *
 * @throws TemplateError, and what `tokenizer.encode` throws
 */
export function encodeChat(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  options: RenderChatOptions = {},
): Uint32Array {
  const mark = unusedCharacter(JSON.stringify([messages, options, template.source]));
  const broken = (value: unknown): unknown => breakNames(value, [...tokenizer.specialTokens.keys()], mark);
  const text = template.render(broken(messages) as readonly ChatMessage[], broken(options) as RenderChatOptions);
  if (!text.includes(mark)) return tokenizer.encode(text, { allowedSpecial: "all" });
  return encodeBroken(tokenizer, text, mark);
}

/** One of Unicode's noncharacters, which no text should contain and this one does not. */
function unusedCharacter(text: string): string {
  for (let code = 0xfdd0; ; code++) {
    const character = String.fromCharCode(code);
    if (!text.includes(character)) return character;
  }
}

/** A copy in which each name in a text has the mark behind its first character. */
function breakNames(value: unknown, names: readonly string[], mark: string): unknown {
  if (typeof value === "string") {
    return names.reduce((text, name) => text.replaceAll(name, name.slice(0, 1) + mark + name.slice(1)), value);
  }
  if (Array.isArray(value)) return value.map((entry) => breakNames(entry, names, mark));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, breakNames(entry, names, mark)]));
}

function encodeBroken(tokenizer: Tokenizer, text: string, mark: string): Uint32Array {
  const ids: TokenId[] = [];
  for (const part of cutAtSpecialTokens(text, tokenizer.specialTokens, { allowedSpecial: "all" })) {
    if (typeof part === "number") ids.push(part);
    else for (const id of encodeAfter(tokenizer, ids.at(-1), part.replaceAll(mark, ""))) ids.push(id);
  }
  return Uint32Array.from(ids);
}

/** Ordinary text behind a special token: some tokenizers put a space before a text, but only where it begins. */
function encodeAfter(tokenizer: Tokenizer, last: TokenId | undefined, text: string): Uint32Array {
  if (last === undefined) return tokenizer.encode(text);
  const before = [...tokenizer.specialTokens.keys()].find((name) => !text.includes(name));
  if (before === undefined) return tokenizer.encode(text);
  return tokenizer.encode(before + text, { allowedSpecial: [before] }).subarray(1);
}
