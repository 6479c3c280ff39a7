import { type Json, present } from "./family.ts";

interface TokenIds {
  readonly beginOfText?: number;
  readonly endOfText?: number | readonly number[];
}

/** `bos_token_id` and `eos_token_id`. Null where there is none: without the fields transformers takes its defaults. */
export function writeTokenIds({
  beginOfText = null,
  endOfText = null,
}: { [K in keyof TokenIds]: TokenIds[K] | null }): Json {
  return { bos_token_id: beginOfText, eos_token_id: endOfText };
}

/** Those that the vocabulary has: small models are often saved with the default ids of large ones. */
export function readTokenIds({ bos_token_id: begin, eos_token_id: end, vocab_size: vocabSize }: Json): {
  beginOfText?: unknown;
  endOfText?: unknown;
} {
  const isToken = (token: unknown): boolean => typeof token === "number" && token < Number(vocabSize);
  const hasEnd = Array.isArray(end) ? end.every(isToken) : isToken(end);
  return {
    ...(isToken(begin) && { beginOfText: present(begin) }),
    ...(hasEnd && { endOfText: present(end) }),
  };
}
