import type { Template } from "@huggingface/jinja";
import { TemplateError } from "./errors.ts";
import { parseTemplate, replaceGenerationTags } from "./parse-template.ts";

/** One turn of a conversation. Templates may read further fields, such as `tool_calls`. */
export interface ChatMessage {
  /** Such as "system", "user", "assistant" or "tool". */
  readonly role: string;
  readonly content?: string | readonly Readonly<Record<string, unknown>>[] | null;
  readonly [field: string]: unknown;
}

export interface RenderChatOptions {
  /** Functions that the model may call, as JSON schemas. */
  readonly tools?: readonly object[];
  /** Documents that the model may quote. */
  readonly documents?: readonly object[];
  /** End with the beginning of an answer, so that the model gives one. Default false. */
  readonly addGenerationPrompt?: boolean;
  /** End inside of the last message, so that the model goes on with it. Default false. */
  readonly continueFinalMessage?: boolean;
  /** More that the template reads, such as `enable_thinking` or `date_string`. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

/**
 * How a model was taught to read conversations: a Jinja template, rendered as `apply_chat_template` of Hugging Face's
 * transformers renders it, with its `raise_exception`, `strftime_now` and `tojson`.
 *
 * @throws TemplateError with the line at fault, if the template is wrong
 */
export class ChatTemplate {
  readonly source: string;
  /** What the template knows of the tokenizer: `bos_token`, `eos_token` and others, as text. */
  readonly specialTokens: Readonly<Record<string, string>>;
  private readonly template: Template;

  constructor(source: string, specialTokens: Readonly<Record<string, string>> = {}) {
    this.source = source;
    this.specialTokens = specialTokens;
    this.template = parseTemplate(replaceGenerationTags(source, ""));
  }

  /** The text of a conversation. @throws TemplateError if the template refuses it, or the options do not fit */
  render(messages: readonly ChatMessage[], options: RenderChatOptions = {}): string {
    requireRoles(messages);
    if (!options.continueFinalMessage) return this.run(messages, options);
    if (options.addGenerationPrompt) {
      throw new TemplateError(
        "either the final message is continued or a new one begins, not both; leave one option out",
      );
    }
    const { marked, text } = markFinalMessage(messages);
    return cutAtMark(this.run(marked, options), text);
  }

  private run(messages: readonly ChatMessage[], options: RenderChatOptions): string {
    const { tools = null, documents = null, addGenerationPrompt = false, variables } = options;
    const values = { messages, tools, documents, add_generation_prompt: addGenerationPrompt };
    try {
      return this.template.render({ ...this.specialTokens, ...variables, ...values });
    } catch (cause) {
      const { message } = cause as Error;
      throw new TemplateError(message, { cause, line: this.lineOf(message) });
    }
  }

  /** The line of a `raise_exception`, found by its text. */
  private lineOf(message: string): number | undefined {
    const parts = this.source.split(message);
    return parts.length === 2 && message !== "" ? parts[0]?.split("\n").length : undefined;
  }
}

function requireRoles(messages: readonly ChatMessage[]): void {
  const at = messages.findIndex((message) => typeof message?.role !== "string");
  if (at < 0) return;
  throw new TemplateError(`message ${at} has no role: a message is like { role: "user", content: "Hello" }`);
}

/** Stands behind the text that is to be continued. Its space shows whether the template takes off spaces there. */
const MARK = "CONTINUE_FINAL_MESSAGE_TAG ";

function markFinalMessage(messages: readonly ChatMessage[]): { marked: ChatMessage[]; text: string } {
  const last = messages.at(-1);
  if (typeof last?.content === "string") {
    return { marked: [...messages.slice(0, -1), { ...last, content: last.content + MARK }], text: last.content };
  }
  const blocks = [...(last?.content ?? [])];
  const index = blocks.findLastIndex((block) => typeof block["text"] === "string");
  if (last === undefined || index < 0) throw new TemplateError("there is no text in a final message to continue");
  const text = blocks[index]?.["text"] as string;
  blocks[index] = { ...blocks[index], text: text + MARK };
  return { marked: [...messages.slice(0, -1), { ...last, content: blocks }], text };
}

function cutAtMark(rendered: string, text: string): string {
  const end = rendered.lastIndexOf(MARK.trim());
  if (end < 0 || !rendered.includes(text.trim())) {
    throw new TemplateError("the final message cannot be continued: the template leaves its text out or changes it");
  }
  const before = rendered.slice(0, end);
  return rendered.startsWith(MARK, end) ? before : before.trimEnd();
}
