/** The names that a model's weights have in Hugging Face's layout; the first that is there counts, as in transformers. */
export const SINGLE_FILE = "model.safetensors";
export const INDEX_FILE = "model.safetensors.index.json";

/** Weights that Python has pickled; of all pickles rather those of transformers than what a training left. */
export const pickleAmong = (names: readonly string[]): string | undefined =>
  names.find((name) => /^(pytorch|adapter)_model[^/]*\.bin$/.test(name)) ??
  names.find((name) => /^[^/]+\.(pt|pth|ckpt)$/.test(name));
