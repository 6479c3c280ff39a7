import { NotANumberError, NothingToScoreError } from "./errors.ts";

/** How well a model predicts tokens. */
export interface LossReport {
  /** Mean −log p(token) in nats, every token with the same weight. */
  readonly loss: number;
  /** exp(loss). */
  readonly perplexity: number;
  /** How many tokens were scored. */
  readonly tokens: number;
  /** Σ −log p(token). */
  readonly nats: number;
}

/** Sums of losses as they come in, in double precision. */
export interface LossSum {
  nats: number;
  tokens: number;
}

export function lossReport({ nats, tokens }: LossSum, hint: string): LossReport {
  if (tokens === 0) throw new NothingToScoreError("no token has a prediction", hint);
  if (Number.isNaN(nats)) throw new NotANumberError("Loss");
  const loss = nats / tokens;
  return { loss, perplexity: Math.exp(loss), tokens, nats };
}
