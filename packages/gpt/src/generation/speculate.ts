import { pickToken } from "@tessera-lm/ops";
import { nextDistribution, rowsOf } from "./choose.ts";
import type { CommonOptions } from "./options.ts";
import type { Reader } from "./reader.ts";
import type { Choice, Sequence } from "./sequence.ts";
import { roomLeft } from "./window.ts";

/**
 * Speculative sampling (Leviathan et al. 2023): the draft guesses tokens, the model reads them all at once. Guess x is
 * kept with probability min(1, p(x) / q(x)), where p is the model's distribution and q the draft's; the first that is
 * not is drawn again from what p has more than q. What follows has the model's distribution, whatever the draft is.
 * @param most how many tokens to guess at most
 * @returns at least one token, at most one more than were guessed
 */
export async function speculate(
  model: Reader,
  draft: Reader,
  sequence: Sequence,
  most: number,
  options: CommonOptions,
): Promise<Choice[]> {
  // One round must neither outgrow the text nor let the window slide, which would change what the model sees.
  const count = Math.min(most, sequence.left - 1, roomLeft(sequence.tokens.length, model.windowSize));
  const { guesses, distributions } = await guess(draft, sequence, count, options);
  const all = [...sequence.tokens, ...guesses];
  const rows = await rowsOf(await model.nextOfLast(all, count + 1, options.signal));
  const choices: Choice[] = [];
  for (const [i, logits] of rows.entries()) {
    const p = nextDistribution(logits, all.slice(0, sequence.tokens.length + i), options);
    const [q, token] = [distributions[i], guesses[i]];
    if (q !== undefined && sequence.uniform() * q[token] < p[token]) choices.push({ token, logits });
    else {
      choices.push({ token: pickToken(q === undefined ? p : excess(p, q), sequence.uniform()), logits });
      break;
    }
  }
  return choices;
}

async function guess(
  draft: Reader,
  sequence: Sequence,
  count: number,
  options: CommonOptions,
): Promise<{ readonly guesses: readonly number[]; readonly distributions: readonly Float64Array[] }> {
  const guesses: number[] = [];
  const distributions: Float64Array[] = [];
  while (guesses.length < count) {
    const tokens = [...sequence.tokens, ...guesses];
    const [logits] = await rowsOf(await draft.next([tokens], options.signal));
    const q = nextDistribution(logits, tokens, options);
    distributions.push(q);
    guesses.push(pickToken(q, sequence.uniform()));
  }
  return { guesses, distributions };
}

/** max(0, p − q), made a distribution. */
function excess(p: Float64Array, q: Float64Array): Float64Array {
  const difference = p.map((probability, token) => Math.max(0, probability - q[token]));
  const sum = difference.reduce((total, each) => total + each, 0);
  return sum > 0 ? difference.map((each) => each / sum) : p; // none but by rounding: p and q are the same
}
