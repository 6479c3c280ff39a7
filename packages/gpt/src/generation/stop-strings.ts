import type { TokenEvent } from "./events.ts";

/** What may be shown of a text that must not show a stop string. */
interface Released {
  readonly events: readonly TokenEvent[];
  /** The text before the stop string that belongs to no token of `events`, if one has come. */
  readonly stoppedAfter?: string;
}

/** Holds tokens back for as long as their text may be the beginning of a stop string. */
export class StopStrings {
  readonly #stops: readonly string[];
  #held: TokenEvent[] = [];

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** Takes the next token, and gives those that are safe now. */
  push(event: TokenEvent): Released {
    if (this.#stops.length === 0) return { events: [event] };
    this.#held.push(event);
    const text = this.#held.map(({ text }) => text).join("");
    const found = this.#stops.map((stop) => text.indexOf(stop)).filter((index) => index >= 0);
    if (found.length === 0) return { events: this.#release(text.length - this.#longestBeginning(text)) };
    const stop = Math.min(...found);
    const events = this.#release(stop);
    const shown = events.reduce((length, { text }) => length + text.length, 0);
    return { events, stoppedAfter: text.slice(shown, stop) };
  }

  /** The tokens that are still held: no stop string has come. */
  flush(): readonly TokenEvent[] {
    return this.#held.splice(0);
  }

  /** The tokens whose text ends within the first `length` units; one that brings no text yet goes with the next that does. */
  #release(length: number): TokenEvent[] {
    let count = 0;
    let end = 0;
    for (const [i, { text }] of this.#held.entries()) {
      end += text.length;
      if (end > length) break;
      if (text !== "") count = i + 1;
    }
    return this.#held.splice(0, count);
  }

  /** The length of the longest end of the text with which a stop string begins. */
  #longestBeginning(text: string): number {
    const longest = Math.max(...this.#stops.map((stop) => stop.length - 1));
    for (let length = Math.min(longest, text.length); length > 0; length--) {
      if (this.#stops.some((stop) => stop.startsWith(text.slice(-length)))) return length;
    }
    return 0;
  }
}
