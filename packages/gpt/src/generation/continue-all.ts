import { breather } from "./breather.ts";
import type { GenerationEvent } from "./events.ts";
import type { Choice, Sequence } from "./sequence.ts";

/** Draws what follows each sequence: one token or more. */
export type Source = (sequences: readonly Sequence[]) => Promise<readonly (readonly Choice[])[]>;

/** Lets all sequences go on until each has ended. Yields which one it is, and what happened to it. */
export async function* continueAll(
  sequences: readonly Sequence[],
  draw: Source,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly [index: number, event: GenerationEvent]> {
  const pause = breather();
  for (const [i, sequence] of sequences.entries()) if (sequence.left === 0) yield* numbered(i, sequence.end("length"));
  while (sequences.some(({ hasEnded }) => !hasEnded)) {
    await pause();
    const choices = signal?.aborted ? [] : await draw(sequences);
    for (const [i, sequence] of sequences.entries()) {
      if (sequence.hasEnded) continue;
      if (signal?.aborted) yield* numbered(i, sequence.end("aborted"));
      else yield* numbered(i, grow(sequence, choices[i]));
    }
  }
}

function* grow(sequence: Sequence, choices: readonly Choice[]): Generator<GenerationEvent> {
  for (const choice of choices) if (!sequence.hasEnded) yield* sequence.add(choice);
}

function* numbered(index: number, events: Iterable<GenerationEvent>): Generator<readonly [number, GenerationEvent]> {
  for (const event of events) yield [index, event];
}
