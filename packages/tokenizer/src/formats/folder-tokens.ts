import { byteLevelCore, PipelineTokenizer } from "../pipeline.ts";
import type { Tokenizer } from "../tokenizer.ts";
import { describeAddedToken } from "./definition.ts";
import { asId, asObject, type JsonObject } from "./json.ts";

/**
 * A tokenizer read from a SentencePiece `.model`, with the tokens that its folder adds: `added_tokens_decoder` of
 * `tokenizer_config.json` (id → token with its options), and `added_tokens.json` (name → id).
 *
 * @throws MalformedTokenizerError naming the entry at fault
 */
export function withFolderTokens(tokenizer: Tokenizer, config: JsonObject, names: JsonObject): Tokenizer {
  // Ranks that OpenAI or Meta published come with their special tokens.
  if (!(tokenizer instanceof PipelineTokenizer) || tokenizer.definition[byteLevelCore] !== undefined) return tokenizer;
  const byId = asObject(config.added_tokens_decoder ?? {}, "added_tokens_decoder");
  const described = Object.entries(byId).map(([id, token]) => ({
    ...asObject(token, `added_tokens_decoder.${id}`),
    id: asId(Number(id), "added_tokens_decoder"),
  }));
  const named = Object.entries(names).map(([name, id]) => describeAddedToken(name, asId(id, name)));
  const known = new Set(tokenizer.specialTokens.keys());
  const fresh = [...described, ...named].filter((token) => {
    const { content } = token as { content?: unknown };
    if (known.has(content as string)) return false;
    known.add(content as string);
    return true;
  });
  if (fresh.length === 0) return tokenizer;
  const { definition } = tokenizer;
  return new PipelineTokenizer({ ...definition, added_tokens: [...(definition.added_tokens ?? []), ...fresh] });
}
