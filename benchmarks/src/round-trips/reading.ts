import { tensor2d, tidy } from "@tensorflow/tfjs";
import { generate } from "@tessera-lm/gpt";
import type { Model } from "./cases.ts";

/** What every side does with a model. */
export interface Task {
  /** The text whose perplexity is measured. */
  readonly ids: readonly number[];
  readonly prompt: readonly number[];
  /** Tokens of the greedy text. */
  readonly newTokens: number;
}

export interface Reading {
  /** Mean loss in nats per token. */
  readonly loss: number;
  /** The greedy text. */
  readonly text: readonly number[];
}

/** What we make of a model. */
export async function readHere(model: Model, { ids, prompt, newTokens }: Task): Promise<Reading> {
  const text: number[] = [];
  const options = { maxNewTokens: newTokens, temperature: 0, stopTokens: [] };
  for await (const token of generate(model, prompt, options)) text.push(token);
  return { loss: meanLoss(model, ids), text };
}

function meanLoss(model: Model, ids: readonly number[]): number {
  const row = (of: readonly number[]) => tensor2d([...of], [1, of.length], "int32");
  const [sum] = tidy(() => model.loss(row(ids.slice(0, -1)), row(ids.slice(1))).dataSync());
  return (sum as number) / (ids.length - 1);
}
