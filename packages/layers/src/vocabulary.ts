import { VocabularyError } from "./errors.ts";

/**
 * Checks ids while they are still in ordinary memory: a GPU computes something from an id out of range, and says nothing.
 * @param first the lowest id that is allowed: 0 (default), or −1 for targets, where it stands for one to ignore
 * @throws {VocabularyError} for an id that is no whole number from `first` to `vocabSize` − 1
 */
export function checkTokens(ids: Iterable<number>, vocabSize: number, first: 0 | -1 = 0): void {
  for (const id of ids) {
    if (!(Number.isInteger(id) && id >= first && id < vocabSize)) throw new VocabularyError(id, vocabSize);
  }
}
