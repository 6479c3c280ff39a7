/** A token that the model does not know: the vocabulary of the tokenizer is not that of the model. */
export class VocabularyError extends Error {
  override readonly name = "VocabularyError";
  readonly isTesseraError = true;
  readonly id: number;
  readonly vocabSize: number;

  constructor(id: number, vocabSize: number, options?: ErrorOptions) {
    super(
      `Token ${id} is not in the model's vocabulary of ${vocabSize} tokens (0 to ${vocabSize - 1}). The vocabulary does ` +
        "not match the model: encode the text with the tokenizer that the model was trained with.",
      options,
    );
    this.id = id;
    this.vocabSize = vocabSize;
  }
}

/** A cache of keys and values that is used as none can be. */
export class CacheError extends Error {
  override readonly name = "CacheError";
  readonly isTesseraError = true;
}

/** There is no memory for the values of a parameter. Those that were made before it are freed again. */
export class ParameterMemoryError extends Error {
  override readonly name = "ParameterMemoryError";
  readonly isTesseraError = true;
  readonly shape: readonly number[];
  readonly requestedBytes: number;

  constructor(shape: readonly number[], options?: ErrorOptions) {
    const bytes = shape.reduce((product, length) => product * length, 4);
    const gigabytes = (bytes / 2 ** 30).toLocaleString("en", { maximumFractionDigits: 1 });
    super(
      `There is no memory for a parameter of shape (${shape.join(", ")}), which takes ${gigabytes} GB. ` +
        "Use a smaller width, vocabulary or context.",
      options,
    );
    this.shape = shape;
    this.requestedBytes = bytes;
  }
}
