import { BytePairTokenizer } from "./byte-pair/bpe.ts";
import { UnsupportedTokenizerError } from "./errors.ts";
import { asArray, asBoolean, asObject, asString, type JsonObject, readMerges, readVocabulary } from "./formats/json.ts";
import { requirePlain } from "./models/character-pair.ts";
import type { Model } from "./models/model.ts";
import { modelType } from "./models/models.ts";
import type { Part } from "./parts.ts";
import { splitPatterns } from "./split/split-patterns.ts";
import { requireSameId } from "./token-ids.ts";
import type { TokenId } from "./tokenizer.ts";

/** A byte-level BPE in a `tokenizer.json`, and the steps before it that its tokenizer does not take itself. */
export interface ByteLevel {
  readonly core: BytePairTokenizer;
  readonly steps: readonly unknown[];
}

/**
 * BPE whose last pre-tokenizer is `ByteLevel` is what {@link BytePairTokenizer} does fast, together with the split before
 * it; undefined for all else.
 */
export function readByteLevel(file: JsonObject, addedTokens: ReadonlyMap<string, TokenId>): ByteLevel | undefined {
  const model = asObject(file.model, "model");
  const steps = readSteps(file.pre_tokenizer);
  const byteLevel = steps.at(-1) as Part | null | undefined;
  if (modelType(model) !== "BPE" || byteLevel?.type !== "ByteLevel") return undefined;
  requirePlain(model, "model");
  if (model.byte_fallback) throw new UnsupportedTokenizerError('model option "byte_fallback"', "bytes are tokens.");
  const [pattern, before] = readPattern(steps, byteLevel);
  const vocabulary = readVocabulary(model.vocab, "model.vocab");
  for (const [name, id] of addedTokens) {
    requireSameId(name, id, vocabulary);
    vocabulary.delete(name);
  }
  const core = new BytePairTokenizer({
    vocabulary,
    merges: readMerges(model.merges, "model.merges"),
    pattern,
    specialTokens: addedTokens,
    ignoreMerges: asBoolean(model, "ignore_merges", "model", false),
  });
  return { core, steps: before };
}

function readSteps(preTokenizer: unknown): readonly unknown[] {
  if (preTokenizer == null) return [];
  const part = asObject(preTokenizer, "pre_tokenizer");
  if (part.type !== "Sequence") return [part];
  return asArray(part.pretokenizers, "pre_tokenizer.pretokenizers");
}

/** The pattern by which the model splits, and the steps before that. */
function readPattern(steps: readonly unknown[], byteLevel: Part): readonly [string | null, readonly unknown[]] {
  const addsSpace = asBoolean(byteLevel, "add_prefix_space", "pre_tokenizer", true);
  const before = addsSpace ? steps : steps.slice(0, -1); // the step puts the space there
  if (asBoolean(byteLevel, "use_regex", "pre_tokenizer", true)) return [splitPatterns.gpt2, before];
  const split = steps.at(-2) as Part | null | undefined;
  if (addsSpace || split?.type !== "Split") return [null, before];
  const isWhole = split.behavior === "Isolated" || (split.behavior === "Removed" && split.invert === true);
  const { Regex: pattern } = asObject(split.pattern, "pre_tokenizer.pattern");
  if (!isWhole || pattern === undefined) return [null, before];
  return [asString(pattern, "pre_tokenizer.pattern.Regex"), before.slice(0, -1)];
}

/** The core as a model of pieces. */
export function byteLevelModel(core: BytePairTokenizer): Model {
  return {
    vocabulary: core.definition.vocabulary,
    encodeInto(piece, ids, spans) {
      if (spans === undefined) return core.encodeInto(piece, ids);
      const found = core.encodeWithOffsets(piece);
      ids.append(found.ids);
      for (const place of found.offsets) spans.push(place);
    },
  };
}
