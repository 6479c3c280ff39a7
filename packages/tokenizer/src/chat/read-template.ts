import { asObject, asString, type JsonObject, parseJson } from "../formats/json.ts";
import { ChatTemplate } from "./chat-template.ts";
import { TemplateError } from "./errors.ts";

/** The files of a model folder that hold chat templates, as text. */
export interface ChatTemplateFiles {
  /** `tokenizer_config.json`: the special tokens, and in older folders the template. */
  readonly config: string;
  /** `chat_template.jinja`, if there is one; it counts more than the template in `config`. */
  readonly template?: string;
}

/**
 * The chat template of a model.
 *
 * @param name which, where there are several, such as "tool_use"; "default" if none is named
 * @throws TemplateError if there is none of that name, or it is wrong
 * @throws MalformedTokenizerError if `config` is not what a `tokenizer_config.json` must be
 */
export function chatTemplateFromFiles(files: ChatTemplateFiles, name = "default"): ChatTemplate {
  const config = parseJson(files.config, "tokenizer_config.json");
  const templates = readTemplates(config.chat_template);
  if (files.template !== undefined) templates.set("default", files.template);
  const source = templates.get(name);
  if (source !== undefined) return new ChatTemplate(source, readSpecialTokens(config));
  const known = [...templates.keys()].join(", ") || "none";
  throw new TemplateError(`there is none of the name ${JSON.stringify(name)}; this tokenizer has: ${known}`);
}

/** A text, or a list of templates with names. */
function readTemplates(value: unknown): Map<string, string> {
  if (value == null) return new Map();
  if (!Array.isArray(value)) return new Map([["default", asString(value, "chat_template")]]);
  return new Map(
    value.map((entry, index) => {
      const { name, template } = asObject(entry, `chat_template[${index}]`);
      return [asString(name, `chat_template[${index}].name`), asString(template, `chat_template[${index}].template`)];
    }),
  );
}

/** `"bos_token": "<s>"`, or an object with that `content`. */
function readSpecialTokens(config: JsonObject): Record<string, string> {
  const tokens: Record<string, string> = {};
  for (const [key, value] of Object.entries(config)) {
    if (!key.endsWith("_token")) continue;
    const content = typeof value === "object" && value !== null ? (value as JsonObject).content : value;
    if (typeof content === "string") tokens[key] = content;
  }
  return tokens;
}
