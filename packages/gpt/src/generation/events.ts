import type { TokenLogProbability } from "./log-probabilities.ts";

/** A token of the text. */
export interface TokenEvent {
  readonly type: "token";
  readonly token: number;
  /** The text that has become certain with it; "" without a decoder. */
  readonly text: string;
  /** log p of it, where asked for. */
  readonly logProbability?: number;
  /** The likeliest tokens in its place, the likeliest first, where asked for. */
  readonly likeliest?: readonly TokenLogProbability[];
}

/** Why a text ended: by a stop token, a stop string, `maxNewTokens`, or the signal. */
export type EndReason = "stop-token" | "stop-string" | "length" | "aborted";

/** The end of a text, always the last event of it. */
export interface EndEvent {
  readonly type: "end";
  readonly reason: EndReason;
  /** The rest of the text: before a stop string that begins within a token, or a character that was not finished. */
  readonly text: string;
}

/** What generation yields; the texts of all events are the whole text. */
export type GenerationEvent = TokenEvent | EndEvent;
