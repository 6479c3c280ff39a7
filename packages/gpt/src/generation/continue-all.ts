import { breather } from "./breather.ts";
import type { GenerationEvent } from "./events.ts";
import type { Choice, Sequence } from "./sequence.ts";
import { unlessAborted } from "./unless-aborted.ts";

/** Draws what follows each of the sequences that have not ended: one token or more. */
export type Source = (active: readonly Sequence[]) => Promise<readonly (readonly Choice[])[]>;

/** Lets all sequences go on until each has ended. Yields which one it is, and what happened to it. */
export async function* continueAll(
  sequences: readonly Sequence[],
  draw: Source,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly [index: number, event: GenerationEvent]> {
  const pause = breather();
  for (const [i, sequence] of sequences.entries()) if (sequence.left === 0) yield* numbered(i, sequence.end("length"));
  for (;;) {
    const active = [...sequences.entries()].filter(([, { hasEnded }]) => !hasEnded);
    if (active.length === 0) return;
    await pause();
    const choices = await unlessAborted(signal, () => draw(active.map(([, sequence]) => sequence)));
    for (const [i, [index, sequence]] of active.entries()) {
      yield* numbered(index, choices ? grow(sequence, choices[i]) : sequence.end("aborted"));
    }
  }
}

function* grow(sequence: Sequence, choices: readonly Choice[]): Generator<GenerationEvent> {
  for (const choice of choices) if (!sequence.hasEnded) yield* sequence.add(choice);
}

function* numbered(index: number, events: Iterable<GenerationEvent>): Generator<readonly [number, GenerationEvent]> {
  for (const event of events) yield [index, event];
}
