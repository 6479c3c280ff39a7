import { describeAddedToken } from "../formats/definition.ts";
import { makeNormalizer } from "../normalize/normalizers.ts";
import type { Part } from "../parts.ts";
import { PipelineTokenizer } from "../pipeline.ts";
import { makePreTokenizer } from "../pre-tokenize/pre-tokenizers.ts";
import { Stretch } from "../stretch.ts";
import { completeNormalizer } from "./complete-normalizer.ts";
import type { CountWords } from "./read-texts.ts";

const utf8 = new TextEncoder();

/** What a trained tokenizer is made of, around its model. */
export interface Surroundings {
  readonly normalizer: Part | undefined;
  readonly preTokenizer: Part;
  readonly decoder: Part;
}

/** Counts the pieces that a pipeline of these parts hands to its model. */
export function countPipelineWords({ normalizer, preTokenizer }: Surroundings): CountWords {
  const normalize = makeNormalizer(normalizer, "normalizer") ?? ((text: string) => text);
  const cut = makePreTokenizer(preTokenizer, "pre_tokenizer");
  return (text, words) =>
    cut?.(new Stretch(normalize(text), true), (piece) => {
      const bytes = utf8.encode(piece.text);
      words.add(bytes, 0, bytes.length);
    });
}

/** The tokenizer of a trained model. Its special tokens have the first ids. */
export function makePipeline(
  { normalizer, preTokenizer, decoder }: Surroundings,
  specialNames: readonly string[],
  model: Part,
): PipelineTokenizer {
  return new PipelineTokenizer({
    added_tokens: specialNames.map((name, id) => describeAddedToken(name, id)),
    normalizer: normalizer === undefined ? null : completeNormalizer(normalizer),
    pre_tokenizer: preTokenizer,
    model,
    decoder,
  });
}
