import { TokenOutsideVocabularyError } from "./errors.ts";

/** What a model or a tokenizer says of its vocabulary. */
interface Vocabulary {
  readonly vocabSize: number;
}

/**
 * Backends differ in what they make of an id that a table lacks, and some answer with the number next to the table; so
 * ids are looked at before they go there.
 * @throws TokenOutsideVocabularyError unless every id is one of the model's.
 */
export function checkTokens(ids: Iterable<number>, model: Vocabulary, tokenizer?: Vocabulary): void {
  for (const id of ids) {
    if (Number.isInteger(id) && id >= 0 && id < model.vocabSize) continue;
    throw new TokenOutsideVocabularyError(id, model.vocabSize, tokenizer?.vocabSize);
  }
}
