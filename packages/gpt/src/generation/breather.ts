import { breathe } from "@tessera-lm/layers";

/** The event loop waits no longer than this, in milliseconds, or than one token takes. */
const LONGEST = 1;

/** Lets the event loop run, unless it did a moment ago: a turn of it takes as long as a token of a small model. */
export function breather(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < LONGEST) return;
    await breathe();
    last = performance.now();
  };
}
