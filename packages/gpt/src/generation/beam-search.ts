import { likeliestToken } from "@tessera-lm/ops";
import { indicesOfGreatest } from "../indices-of-greatest.ts";
import { requireOptions } from "../require-argument.ts";
import { breather } from "./breather.ts";
import { rowsOf } from "./choose.ts";
import { createReader } from "./create-reader.ts";
import { logProbabilities } from "./log-probabilities.ts";
import {
  type CausalLanguageModel,
  type CommonOptions,
  checkModel,
  checkPrompt,
  checkSignal,
  DEFAULT_CHUNK_SIZE,
  stopTokensOf,
} from "./options.ts";
import type { Reader } from "./reader.ts";
import { outOfRange, requireToken, requireWhole } from "./sampling.ts";
import { unlessAborted } from "./unless-aborted.ts";

/** How {@link beamSearch} searches; the defaults are Hugging Face's. */
export interface BeamSearchOptions
  extends Pick<CommonOptions, "stopTokens" | "truncatePrompt" | "chunkSize" | "signal"> {
  /** How many tokens at most; finite. */
  readonly maxNewTokens: number;
  /** How many beginnings of texts are followed at a time. Default 4. */
  readonly numBeams?: number;
  /** How many texts are wanted, at most `numBeams`. Default 1. */
  readonly numResults?: number;
  /** A text of n tokens has the score Σ log p / n^lengthPenalty: above 0 favours long ones. Default 1. */
  readonly lengthPenalty?: number;
  /**
   * When to end: true as soon as there are `numBeams` texts, false when none that goes on has a better score at its
   * present length than the worst of them, "never" when none can get a better one. Default false.
   */
  readonly earlyStopping?: boolean | "never";
}

/** A text that beam search found. */
export interface Beam {
  /** What follows the prompt, without the stop token. */
  readonly tokens: readonly number[];
  /** Σ log p / n^lengthPenalty over the n tokens, the stop token included. */
  readonly score: number;
}

/**
 * Searches for the likeliest texts: follows the `numBeams` likeliest beginnings at a time, as Hugging Face does.
 * @returns `numResults` texts, the best first. After an abort the best as far as they had come, at least one, perhaps with
 * no tokens
 * @throws as `generate`; also where `maxNewTokens` is not finite, since beams that go on may get better without end
 */
export async function beamSearch(
  model: CausalLanguageModel,
  prompt: Iterable<number>,
  options: BeamSearchOptions,
): Promise<Beam[]> {
  const resolved = resolve(model, options);
  const tokens = checkPrompt(model, prompt, options, "beamSearch");
  const windowSize = Math.min(model.contextLength, tokens.length + resolved.maxNewTokens);
  const reader = createReader(model, { windowSize, chunkSize: options.chunkSize ?? DEFAULT_CHUNK_SIZE });
  try {
    return await search(reader, tokens, resolved);
  } finally {
    reader.dispose();
  }
}

type Resolved = Omit<Required<BeamSearchOptions>, "stopTokens" | "signal" | "truncatePrompt" | "chunkSize"> & {
  readonly stopTokens: ReadonlySet<number>;
  readonly signal: AbortSignal | undefined;
};

function resolve(model: CausalLanguageModel, options: BeamSearchOptions): Resolved {
  checkModel(model, "beamSearch");
  requireOptions("beamSearch", options, "such as { maxNewTokens: 100 }");
  const { maxNewTokens, numBeams = 4, numResults = 1, lengthPenalty = 1, earlyStopping = false, signal } = options;
  requireWhole("maxNewTokens", maxNewTokens, 0, "beamSearch");
  requireWhole("numBeams", numBeams, 1, "beamSearch");
  requireWhole("numResults", numResults, 1, "beamSearch");
  requireWhole("chunkSize", options.chunkSize ?? 1, 1, "beamSearch");
  if (numResults > numBeams)
    throw outOfRange("numResults", numResults, `at most numBeams, which is ${numBeams}`, "beamSearch");
  if (!Number.isFinite(lengthPenalty)) throw outOfRange("lengthPenalty", lengthPenalty, "a number", "beamSearch");
  if (![true, false, "never"].includes(earlyStopping)) {
    throw outOfRange("earlyStopping", earlyStopping, 'true, false or "never"', "beamSearch");
  }
  checkSignal(signal, "beamSearch");
  const stopTokens = stopTokensOf(model, options, "beamSearch");
  return { maxNewTokens, numBeams, numResults, lengthPenalty, earlyStopping, signal, stopTokens };
}

/** A beginning of a text, and the beam that it goes on from. */
interface Candidate {
  readonly parent: number;
  readonly tokens: readonly number[];
  /** Σ log p. */
  readonly sum: number;
  readonly hasEnded: boolean;
}

async function search(reader: Reader, prompt: readonly number[], options: Resolved): Promise<Beam[]> {
  const { maxNewTokens, numBeams, numResults, lengthPenalty, signal } = options;
  const pause = breather();
  let finished: Beam[] = [];
  let running: readonly Candidate[] = [{ parent: 0, tokens: [], sum: 0, hasEnded: false }];
  for (let length = 1; length <= maxNewTokens; length++) {
    await pause();
    const candidates = await unlessAborted(signal, () => extend(reader, prompt, running, options));
    if (candidates === undefined)
      return best([...finished, ...running.map((each) => beamOf(each, length - 1, lengthPenalty))], numResults);
    // Only the best candidates may end; those behind them are there to go on in the place of these.
    const ended = candidates.slice(0, numBeams).filter(({ hasEnded }) => hasEnded || length === maxNewTokens);
    finished = best([...finished, ...ended.map((candidate) => beamOf(candidate, length, lengthPenalty))], numBeams);
    running = candidates.filter(({ hasEnded }) => !hasEnded).slice(0, numBeams);
    if (running.length === 0 || isOver(finished, running[0].sum, length, options)) break;
    reader.rearrange(running.map(({ parent }) => parent));
  }
  return finished.slice(0, numResults);
}

/** The best continuations of the beams by one token: enough that `numBeams` go on, even if every stop token is among them. */
async function extend(
  reader: Reader,
  prompt: readonly number[],
  running: readonly Candidate[],
  { numBeams, stopTokens, signal }: Resolved,
): Promise<Candidate[]> {
  const sequences = running.map(({ tokens }) => [...prompt, ...tokens]);
  const rows = await rowsOf(await reader.next(sequences, signal));
  const count = Math.max(2, 1 + stopTokens.size) * numBeams;
  const candidates = rows.flatMap((logits, parent) => {
    requireToken(likeliestToken(logits), logits.length);
    const { tokens, sum } = running[parent];
    const all = logProbabilities(logits);
    return indicesOfGreatest(all, count).map((token) => {
      return { parent, tokens: [...tokens, token], sum: sum + all[token], hasEnded: stopTokens.has(token) };
    });
  });
  return candidates.sort((a, b) => b.sum - a.sum).slice(0, count);
}

function beamOf({ tokens, sum, hasEnded }: Candidate, length: number, lengthPenalty: number): Beam {
  return { tokens: hasEnded ? tokens.slice(0, -1) : tokens, score: sum / Math.max(1, length) ** lengthPenalty };
}

function best(beams: readonly Beam[], count: number): Beam[] {
  return [...beams].sort((a, b) => b.score - a.score).slice(0, count);
}

/** Whether nothing that goes on is expected to be better than what is finished. @param sum of the best running beam */
function isOver(
  finished: readonly Beam[],
  sum: number,
  length: number,
  { numBeams, maxNewTokens, lengthPenalty, earlyStopping }: Resolved,
): boolean {
  if (finished.length < numBeams) return false;
  if (earlyStopping === true) return true;
  const finalLength = earlyStopping === "never" && lengthPenalty > 0 ? maxNewTokens : length;
  return sum / finalLength ** lengthPenalty <= (finished[numBeams - 1] as Beam).score;
}
