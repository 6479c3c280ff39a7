import { BytePairTokenizer } from "../byte-pair/bpe.ts";
import type { Merge } from "../byte-pair/merges.ts";
import { MalformedTokenizerError, UnsupportedTokenizerError } from "../errors.ts";
import { CharacterTokenizer } from "../models/character.ts";
import { splitPatterns } from "../split/split-patterns.ts";
import type { TokenId } from "../tokenizer.ts";
import { asArray, asId, asObject, asString, type JsonObject, parseJson, readVocabulary } from "./json.ts";

/**
 * The tokenizer in a Hugging Face `tokenizer.json`: byte-level BPE (GPT-2, GPT-4, Llama 3, …) or a character
 * tokenizer as {@link tokenizerToJson} writes it. All added tokens become special tokens. The post-processor, which
 * adds tokens around a text, is not part of `encode` and is not read.
 *
 * @throws MalformedTokenizerError naming the entry at fault
 * @throws UnsupportedTokenizerError naming the part that this package does not implement
 */
export function tokenizerFromJson(json: string): BytePairTokenizer | CharacterTokenizer {
  const file = parseJson(json, "tokenizer.json");
  const model = asObject(file.model, "model");
  checkModel(model);
  if (file.normalizer != null) throw unsupported("normalizer", file.normalizer, "text must be encoded as it is");
  return isCharacterLevel(file, model) ? readCharacters(file, model) : readBytePairs(file, model);
}

function checkModel(model: JsonObject): void {
  const type = typeOf(model) ?? (model.merges === undefined ? undefined : "BPE"); // old files leave it out
  if (type !== "BPE") throw unsupported("model", model, "only BPE is");
  for (const option of ["dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"]) {
    if (model[option])
      throw new UnsupportedTokenizerError(`model option "${option}"`, "BPE must be byte-level and plain.");
  }
}

function readBytePairs(file: JsonObject, model: JsonObject): BytePairTokenizer {
  const pattern = readPattern(file.pre_tokenizer);
  if (typeOf(file.decoder) !== "ByteLevel")
    throw unsupported("decoder", file.decoder, "byte-level BPE needs ByteLevel");
  const vocabulary = readVocabulary(model.vocab, "model.vocab");
  const specialTokens = readAddedTokens(file.added_tokens);
  for (const name of specialTokens.keys()) vocabulary.delete(name);
  const merges = asArray(model.merges, "model.merges").map(readMerge);
  return new BytePairTokenizer({
    vocabulary,
    merges,
    pattern,
    specialTokens,
    ignoreMerges: model.ignore_merges === true,
  });
}

function readAddedTokens(value: unknown): Map<string, TokenId> {
  const tokens = new Map<string, TokenId>();
  asArray(value ?? [], "added_tokens").forEach((entry, index) => {
    const place = `added_tokens[${index}]`;
    const token = asObject(entry, place);
    for (const option of ["lstrip", "rstrip", "single_word"]) {
      if (token[option])
        throw new UnsupportedTokenizerError(
          `option "${option}" of ${place}`,
          "tokens must stand for their exact text.",
        );
    }
    tokens.set(asString(token.content, `${place}.content`), asId(token.id, `${place}.id`));
  });
  return tokens;
}

/** The split pattern of `ByteLevel`, or of `Sequence [Split, ByteLevel]`. */
function readPattern(preTokenizer: unknown): string | null {
  const steps =
    typeOf(preTokenizer) === "Sequence"
      ? asArray(asObject(preTokenizer, "pre_tokenizer").pretokenizers, "pre_tokenizer.pretokenizers")
      : [preTokenizer];
  const byteLevel = steps.at(-1);
  if (typeOf(byteLevel) !== "ByteLevel" || steps.length > 2) throw unsupportedPreTokenizer(steps);
  const { use_regex: usesGpt2Pattern = true, add_prefix_space: addsSpace = true } = asObject(
    byteLevel,
    "pre_tokenizer",
  );
  if (addsSpace)
    throw new UnsupportedTokenizerError('pre_tokenizer option "add_prefix_space"', "text must be encoded as it is.");
  if (steps.length === 1) return usesGpt2Pattern ? splitPatterns.gpt2 : null;
  if (usesGpt2Pattern) throw unsupportedPreTokenizer(steps);
  return readSplit(steps);
}

function readSplit(steps: readonly unknown[]): string {
  if (typeOf(steps[0]) !== "Split") throw unsupportedPreTokenizer(steps);
  const split = asObject(steps[0], "pre_tokenizer.pretokenizers[0]");
  const keepsMatches = split.behavior === "Isolated" || (split.behavior === "Removed" && split.invert === true);
  if (!keepsMatches)
    throw new UnsupportedTokenizerError(`Split behavior ${JSON.stringify(split.behavior)}`, "only Isolated is.");
  const pattern = asObject(split.pattern, "pre_tokenizer.pretokenizers[0].pattern");
  return asString(pattern.Regex, "pre_tokenizer.pretokenizers[0].pattern.Regex");
}

/** What {@link tokenizerToJson} writes for a character tokenizer: nothing merges and nothing is cut. */
function isCharacterLevel(file: JsonObject, model: JsonObject): boolean {
  const hasNoMerges = Array.isArray(model.merges) && model.merges.length === 0;
  return hasNoMerges && file.pre_tokenizer == null && typeOf(file.decoder) === "Fuse";
}

function readCharacters(file: JsonObject, model: JsonObject): CharacterTokenizer {
  if (asArray(file.added_tokens ?? [], "added_tokens").length > 0) {
    throw new UnsupportedTokenizerError("added_tokens", "a character tokenizer has no special tokens.");
  }
  const vocabulary = readVocabulary(model.vocab, "model.vocab");
  const characters: string[] = [];
  for (const [character, id] of vocabulary) {
    const place = `model.vocab, token ${JSON.stringify(character)}`;
    if (id >= vocabulary.size)
      throw new MalformedTokenizerError(place, `id ${id} leaves a gap: there are ${vocabulary.size} characters.`);
    if (characters[id] !== undefined)
      throw new MalformedTokenizerError(place, `id ${id} belongs to another character too.`);
    characters[id] = character;
  }
  return new CharacterTokenizer(characters);
}

function typeOf(part: unknown): unknown {
  return typeof part === "object" && part !== null ? (part as JsonObject).type : undefined;
}

function unsupported(role: string, part: unknown, supported: string): UnsupportedTokenizerError {
  const type = part == null ? "null" : JSON.stringify(typeOf(part) ?? part).slice(0, 80);
  return new UnsupportedTokenizerError(`${role} ${type}`, `${supported}.`);
}

function unsupportedPreTokenizer(steps: readonly unknown[]): UnsupportedTokenizerError {
  const types = steps.map((step) => String(typeOf(step) ?? "null")).join(", ");
  return new UnsupportedTokenizerError(`pre_tokenizer ${types}`, "only ByteLevel is, alone or after one Split.");
}
