import { PipelineTokenizer } from "../pipeline.ts";
import { splitPatterns } from "../split/split-patterns.ts";
import { describeAddedToken } from "./definition.ts";
import { type Gpt2Files, readMergeLines } from "./gpt2-files.ts";
import { asBoolean, asObject, asString, type JsonObject, parseJson, readVocabulary } from "./json.ts";

/** Qwen2's tokenizer from its `vocab.json` and `merges.txt`, and the special tokens of its `tokenizer_config.json`. */
export function qwen2Tokenizer(files: Pick<Gpt2Files, "encoder" | "merges">, config: JsonObject): PipelineTokenizer {
  const added = Object.entries(asObject(config.added_tokens_decoder ?? {}, "added_tokens_decoder"));
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false };
  const split = { type: "Split", pattern: { Regex: splitPatterns.qwen2 }, behavior: "Isolated", invert: false };
  return new PipelineTokenizer({
    added_tokens: added.map(([id, token]) => {
      const place = `added_tokens_decoder.${id}`;
      const part = asObject(token, place);
      const isSpecial = asBoolean(part, "special", place, false);
      return describeAddedToken(asString(part.content, `${place}.content`), Number(id), isSpecial);
    }),
    normalizer: { type: "NFC" },
    pre_tokenizer: { type: "Sequence", pretokenizers: [split, byteLevel] },
    decoder: byteLevel,
    model: {
      type: "BPE",
      vocab: Object.fromEntries(readVocabulary(parseJson(files.encoder, "encoder"), "encoder")),
      merges: readMergeLines(files.merges),
    },
  });
}
