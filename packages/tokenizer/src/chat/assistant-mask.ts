import type { TokenId, Tokenizer } from "../tokenizer.ts";
import { type ChatMessage, ChatTemplate, type RenderChatOptions } from "./chat-template.ts";
import { encodeRendered, unusedCharacters, withMarkedNames } from "./encode-chat.ts";
import { TemplateError } from "./errors.ts";
import { replaceGenerationTags } from "./parse-template.ts";

/** The ids of a conversation, and which of them the assistant wrote. */
export interface EncodedChat {
  readonly ids: Uint32Array;
  /** 1 for each id that the assistant wrote, the end of its turn included, else 0. */
  readonly assistantMask: Uint8Array;
}

/**
 * Like `encodeChat`, with a mask of what the assistant wrote, so that training can count its answers alone.
 *
 * That is what the template writes between `{% generation %}` and `{% endgeneration %}`, as `apply_chat_template` of
 * transformers has it with `return_assistant_tokens_mask`. In a template without these tags it is what each of the
 * assistant's messages adds to the conversation before it with its generation prompt. A token that lies on the border is
 * the assistant's.
 *
 * @throws TemplateError also where a template without the tags writes earlier turns otherwise once later ones follow
 */
export function encodeChatWithMask(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  options: RenderChatOptions = {},
): EncodedChat {
  const [mark, border] = unusedCharacters(2, [messages, options, template.source, template.specialTokens]) as [
    string,
    string,
  ];
  const [marked, variables] = withMarkedNames(tokenizer, mark, [messages, options]) as [
    ChatMessage[],
    RenderChatOptions,
  ];
  const tagged = withBorders(template, border);
  const pieces =
    tagged === undefined ? byMessage(template, marked, variables) : tagged.render(marked, variables).split(border);
  const encode = (text: string): Uint32Array => encodeRendered(tokenizer, text, mark);
  const ids = encode(pieces.join(""));
  const assistantMask = new Uint8Array(ids.length);
  for (let k = 1; k < pieces.length; k += 2) {
    const before = encode(pieces.slice(0, k).join(""));
    const until = encode(pieces.slice(0, k + 1).join(""));
    const end = numShared(until, ids);
    if (pieces[k] !== "") assistantMask.fill(1, numShared(before, ids), end < until.length ? end + 1 : end);
  }
  return { ids, assistantMask };
}

/** The same template with a character at both ends of what the assistant writes; undefined if it does not say that. */
function withBorders({ source, specialTokens }: ChatTemplate, border: string): ChatTemplate | undefined {
  const bordered = replaceGenerationTags(source, border);
  return bordered === source ? undefined : new ChatTemplate(bordered, specialTokens);
}

/** The conversation, cut where the assistant begins and ends to write: every second piece is the assistant's. */
function byMessage(template: ChatTemplate, messages: readonly ChatMessage[], options: RenderChatOptions): string[] {
  const text = template.render(messages, options);
  const until = (count: number, addGenerationPrompt: boolean): string =>
    template.render(messages.slice(0, count), { ...options, addGenerationPrompt, continueFinalMessage: false });
  const pieces: string[] = [];
  let cut = 0;
  messages.forEach(({ role }, index) => {
    if (role !== "assistant") return;
    const start = until(index, true);
    const end = index === messages.length - 1 ? text : until(index + 1, false);
    if (!text.startsWith(end) || !end.startsWith(start)) throw otherwise(index);
    pieces.push(text.slice(cut, start.length), end.slice(start.length));
    cut = end.length;
  });
  return [...pieces, text.slice(cut)];
}

function otherwise(index: number): TemplateError {
  return new TemplateError(
    `what the assistant wrote in message ${index} cannot be found, as the template writes it otherwise with what follows; ` +
      "put {% generation %} and {% endgeneration %} around it in the template",
  );
}

/** How many ids are the same in both from the beginning. */
function numShared(some: ArrayLike<TokenId>, others: ArrayLike<TokenId>): number {
  let count = 0;
  while (count < some.length && count < others.length && some[count] === others[count]) count++;
  return count;
}
