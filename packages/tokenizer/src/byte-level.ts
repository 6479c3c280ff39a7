import { BytePairTokenizer } from "./byte-pair/bpe.ts";
import { utf8Length } from "./byte-pair/utf8.ts";
import { UnsupportedTokenizerError } from "./errors.ts";
import { asArray, asBoolean, asObject, asString, type JsonObject, readMerges, readVocabulary } from "./formats/json.ts";
import type { Model } from "./models/model.ts";
import { modelType } from "./models/models.ts";
import type { Part } from "./parts.ts";
import { splitPatterns } from "./split/split-patterns.ts";
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
  for (const option of ["dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"]) {
    if (model[option]) throw new UnsupportedTokenizerError(`model option "${option}"`, "byte-level BPE must be plain.");
  }
  const [pattern, before] = readPattern(steps, byteLevel);
  const vocabulary = readVocabulary(model.vocab, "model.vocab");
  for (const name of addedTokens.keys()) vocabulary.delete(name);
  const core = new BytePairTokenizer({
    vocabulary,
    merges: readMerges(model.merges, "model.merges"),
    pattern,
    specialTokens: addedTokens,
    ignoreMerges: asBoolean(model.ignore_merges, "model.ignore_merges", false),
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
  const addsSpace = asBoolean(byteLevel.add_prefix_space, "pre_tokenizer.add_prefix_space", true);
  const before = addsSpace ? steps : steps.slice(0, -1); // the step puts the space there
  if (asBoolean(byteLevel.use_regex, "pre_tokenizer.use_regex", true)) return [splitPatterns.gpt2, before];
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
      const first = ids.length;
      core.encodeInto(piece, ids);
      if (spans === undefined) return;
      const lengths = Array.from(ids.finish().subarray(first), (id) => (core.token(id) as string).length);
      pushByteSpans(piece, lengths, spans);
    },
  };
}

/** Where tokens of so many bytes begin and end in a text; one that is part of a character has that whole character. */
function pushByteSpans(text: string, lengths: readonly number[], spans: number[]): void {
  const starts = new Uint32Array(3 * text.length + 1); // of the character of each byte
  const ends = new Uint32Array(3 * text.length + 1);
  let bytes = 0;
  for (let i = 0; i < text.length; ) {
    const codePoint = text.codePointAt(i) as number;
    const end = i + (codePoint > 0xffff ? 2 : 1);
    for (let left = utf8Length(codePoint); left > 0; left--) {
      starts[bytes] = i;
      ends[bytes++] = end;
    }
    i = end;
  }
  let byte = 0;
  for (const length of lengths) {
    spans.push(starts[byte] as number, ends[byte + length - 1] as number);
    byte += length;
  }
}
