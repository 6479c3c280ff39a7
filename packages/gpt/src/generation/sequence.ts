import { randomGenerator } from "@tessera-lm/layers";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { indicesOfGreatest } from "../indices-of-greatest.ts";
import type { EndReason, GenerationEvent } from "./events.ts";
import { logProbabilities, type TokenLogProbability } from "./log-probabilities.ts";
import type { CommonOptions, TokenDecoder } from "./options.ts";
import { StopStrings } from "./stop-strings.ts";

/** A token that was drawn, with the model's logits (V) if they were looked at. */
export interface Choice {
  readonly token: number;
  readonly logits?: ArrayLike<number>;
}

/** A prompt and what follows it, until the text ends. */
export class Sequence {
  readonly tokens: number[];
  /** How many tokens may still follow. */
  left: number;
  hasEnded = false;
  readonly #options: CommonOptions;
  readonly #decoder: TokenDecoder | undefined;
  readonly #stopTokens: ReadonlySet<number>;
  readonly #stopStrings: StopStrings;
  readonly #uniform: () => number;

  constructor(
    tokens: number[],
    stopTokens: ReadonlySet<number>,
    options: CommonOptions,
    seed: number,
    decoder?: TokenDecoder,
  ) {
    this.tokens = tokens;
    this.left = options.maxNewTokens;
    this.#options = options;
    this.#decoder = decoder;
    this.#stopTokens = stopTokens;
    this.#stopStrings = new StopStrings(options.stopStrings ?? []);
    const random = randomGenerator(seed);
    // In single precision, as backends see it, so that it does not matter where the token is drawn.
    this.#uniform = () => Math.fround(uniformFloat64(random));
  }

  /** The next random number, from [0, 1). */
  uniform(): number {
    return this.#uniform();
  }

  /** Adds a token, and yields what is certain now. */
  *add({ token, logits }: Choice): Generator<GenerationEvent> {
    if (this.#stopTokens.has(token)) return yield* this.end("stop-token");
    this.tokens.push(token);
    this.left--;
    const text = this.#decoder?.push(token) ?? "";
    const { events, stoppedAfter } = this.#stopStrings.push({
      type: "token",
      token,
      text,
      ...this.#report(token, logits),
    });
    yield* events;
    if (stoppedAfter !== undefined) {
      this.hasEnded = true;
      yield { type: "end", reason: "stop-string", text: stoppedAfter };
    } else if (this.left === 0) yield* this.end("length");
  }

  /** Ends the text where it stands. */
  *end(reason: EndReason): Generator<GenerationEvent> {
    this.hasEnded = true;
    yield* this.#stopStrings.flush();
    yield { type: "end", reason, text: this.#decoder?.end() ?? "" };
  }

  #report(
    token: number,
    logits: ArrayLike<number> | undefined,
  ): { readonly logProbability?: number; readonly likeliest?: readonly TokenLogProbability[] } {
    const { logProbabilities: count } = this.#options;
    if (count === undefined || logits === undefined) return {};
    const all = logProbabilities(logits);
    const likeliest = indicesOfGreatest(all, count).map((each) => ({ token: each, logProbability: all[each] }));
    return { logProbability: all[token], likeliest };
  }
}
