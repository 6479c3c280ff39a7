import { EmptyBatchesError } from "./errors.ts";

/** Goes through the source again and again. @throws EmptyBatchesError */
export function* endless<B>(source: Iterable<B>): Generator<B, never> {
  // One empty pass is no error: a source restored at the end of an epoch starts with one.
  for (let emptyPasses = 0; emptyPasses < 2; emptyPasses++) {
    for (const batch of source) {
      emptyPasses = -1;
      yield batch;
    }
  }
  throw new EmptyBatchesError();
}

/** The next `count` of an iterator that stays open. */
export function* take<B>(iterator: Iterator<B, never>, count: number): Generator<B> {
  for (let i = 0; i < count; i++) yield iterator.next().value;
}
