/**
 * Marks parts that were read from a SentencePiece `.model`: where its own rules and those of Hugging Face's tokenizers
 * differ in rare cases, the former apply. A symbol, so that `JSON.stringify` leaves it out.
 */
export const sentencePiece: unique symbol = Symbol("SentencePiece's rules");
