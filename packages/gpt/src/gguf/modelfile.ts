import type { GgufValue } from "@tessera-lm/weights";

/**
 * What `ollama create` reads: where the model is, and its context. Without a chat template in the model, which Ollama
 * finds itself, the prompt is given to it as it is.
 * @param metadata of the model
 */
export function modelfile(file: string, metadata: ReadonlyMap<string, GgufValue>): string {
  const { value: architecture } = metadata.get("general.architecture") ?? {};
  const { value: contextLength } = metadata.get(`${architecture}.context_length`) ?? {};
  const template = metadata.has("tokenizer.chat_template") ? [] : ["TEMPLATE {{ .Prompt }}"];
  const from = /\s/.test(file) ? `"./${file}"` : `./${file}`;
  return `${[`FROM ${from}`, `PARAMETER num_ctx ${contextLength}`, ...template].join("\n")}\n`;
}
