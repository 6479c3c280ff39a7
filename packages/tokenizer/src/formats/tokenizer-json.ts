import type { BytePairTokenizer } from "../byte-pair/bpe.ts";
import { MalformedTokenizerError, UnsupportedTokenizerError } from "../errors.ts";
import { CharacterTokenizer } from "../models/character.ts";
import { type PipelineDefinition, PipelineTokenizer } from "../pipeline.ts";
import { asArray, asObject, type JsonObject, parseJson, readVocabulary } from "./json.ts";

/**
 * The tokenizer in a Hugging Face `tokenizer.json`: the parts that GPT-2, GPT-4, Llama, Mistral, Qwen, BERT and T5 and
 * their relatives use, or a character tokenizer as {@link tokenizerToJson} writes it. What is said there of truncation
 * and padding is left to the caller.
 *
 * @throws MalformedTokenizerError naming the entry at fault
 * @throws UnsupportedTokenizerError naming the part that this package does not implement
 */
export function tokenizerFromJson(json: string): BytePairTokenizer | CharacterTokenizer | PipelineTokenizer {
  const file = parseJson(json, "tokenizer.json");
  const model = asObject(file.model, "model");
  if (isCharacterLevel(file, model)) return readCharacters(file, model);
  return new PipelineTokenizer(file as PipelineDefinition).simplest();
}

/** What {@link tokenizerToJson} writes for a character tokenizer: nothing merges and nothing is cut. */
function isCharacterLevel(file: JsonObject, model: JsonObject): boolean {
  const hasNoMerges = Array.isArray(model.merges) && model.merges.length === 0;
  const others = [file.normalizer, file.post_processor, model.unk_token, model.byte_fallback || null];
  if (!others.every((part) => part == null)) return false;
  return hasNoMerges && file.pre_tokenizer == null && typeOf(file.decoder) === "Fuse";
}

function readCharacters(file: JsonObject, model: JsonObject): CharacterTokenizer {
  if (asArray(file.added_tokens ?? [], "added_tokens").length > 0) {
    throw new UnsupportedTokenizerError("added_tokens", "a character tokenizer has no special tokens.");
  }
  const vocabulary = readVocabulary(model.vocab, "model.vocab");
  const characters: string[] = [];
  for (const [character, id] of vocabulary) {
    const isFree = id < vocabulary.size && characters[id] === undefined;
    if (!isFree) {
      const problem = `id ${id} leaves a gap or is taken: there are ${vocabulary.size} characters.`;
      throw new MalformedTokenizerError(`model.vocab, token ${JSON.stringify(character)}`, problem);
    }
    characters[id] = character;
  }
  return new CharacterTokenizer(characters);
}

function typeOf(part: unknown): unknown {
  return typeof part === "object" && part !== null ? (part as JsonObject).type : undefined;
}
