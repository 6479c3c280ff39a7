import type { Part } from "../parts.ts";

/** What may be left out of a normalizer here, but not in a file that Hugging Face's library reads. */
const DEFAULTS: Readonly<Record<string, object>> = {
  BertNormalizer: { clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true },
  Strip: { strip_left: true, strip_right: true },
};

/** The same normalizer with every option spelled out. */
export function completeNormalizer(part: Part): Part {
  const complete = { ...part, ...DEFAULTS[part.type], ...part };
  if (part.type !== "Sequence" || !Array.isArray(part.normalizers)) return complete;
  return { ...complete, normalizers: part.normalizers.map(completeNormalizer) };
}
