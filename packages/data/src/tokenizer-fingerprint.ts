import { createHash } from "node:crypto";
import type { Tokenizer } from "@tessera-lm/tokenizer";

/**
 * A hash of what a tokenizer does, whatever it is inside: the text of every id, the special tokens, and how the texts
 * of all ids, put together, are encoded (which tells apart tokenizers that share a vocabulary but merge differently).
 */
export function tokenizerFingerprint(tokenizer: Tokenizer): string {
  const texts = Array.from({ length: tokenizer.vocabSize }, (_, id) => orUndefined(() => tokenizer.decode([id])) ?? "");
  const ids = orUndefined(() => tokenizer.encode(texts.join(""))) ?? [];
  const special = [...tokenizer.specialTokens].sort(([, a], [, b]) => a - b);
  const hash = createHash("sha256")
    .update(JSON.stringify([texts, special]))
    .update(Uint32Array.from(ids));
  return `sha256:${hash.digest("hex")}`;
}

/** Vocabularies padded to a round size have ids without text; small ones may not know the letters of special tokens. */
function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
