import type { Contestant } from "./contestant.ts";
import { ContestantError } from "./errors.ts";
import { median } from "./row.ts";

/** How often the contestants take turns, and how much each does in its turn. */
export interface Plan {
  /** Runs of each before the first round, at least 1. */
  readonly warmup: number;
  readonly rounds: number;
  readonly runsPerRound: number;
  /** Which of their kinds of work they do, if there are several. */
  readonly work?: string;
}

/** What one contestant did. */
export interface Result {
  /** Its own name for itself. */
  name: string;
  /** The median time of a run, round by round. */
  readonly milliseconds: number[];
  /** The number to check of its very first run. */
  firstCheck: number;
  /** The number to check of its last run. */
  lastCheck: number;
  /** How long its event loop made others wait (99th percentile), in ms, round by round. */
  readonly eventLoopDelays: number[];
  /** The most memory that it held. */
  peakMegabytes: number[];
  /** Why it gave up, if it did. */
  failure?: string;
}

/** Lets contestants work in turns, never two at once, so that a change of the machine's mood hits all alike. */
export async function takeTurns(
  contestants: readonly Contestant[],
  plan: Plan,
  say: (line: string) => void,
): Promise<Result[]> {
  const results = contestants.map(
    (): Result => ({
      name: "",
      milliseconds: [],
      firstCheck: Number.NaN,
      lastCheck: Number.NaN,
      eventLoopDelays: [],
      peakMegabytes: [],
    }),
  );
  const inTurn = async (turn: (contestant: Contestant, result: Result) => Promise<void>): Promise<void> => {
    for (const [i, contestant] of contestants.entries())
      await unlessFailed(results[i] as Result, (r) => turn(contestant, r));
  };
  await inTurn(async (contestant, result) => {
    result.name = (await contestant.introduction()).name;
    result.firstCheck = (await contestant.run(1, plan.work)).check;
    if (plan.warmup > 1) await contestant.run(plan.warmup - 1, plan.work);
  });
  for (let round = 1; round <= plan.rounds; round++) {
    say(`round ${round} of ${plan.rounds}`);
    await inTurn(async (contestant, result) => {
      const { milliseconds, check, eventLoopDelay } = await contestant.run(plan.runsPerRound, plan.work);
      result.milliseconds.push(median(milliseconds) ?? Number.NaN);
      result.lastCheck = check;
      if (eventLoopDelay !== undefined) result.eventLoopDelays.push(eventLoopDelay);
    });
  }
  await inTurn(async (contestant, result) => {
    result.peakMegabytes = [(await contestant.memory()).peak];
  });
  return results;
}

/** A contestant that gave up is left out from then on, and what it did counts no more. */
async function unlessFailed(result: Result, turn: (result: Result) => Promise<void>): Promise<void> {
  if (result.failure !== undefined) return;
  try {
    await turn(result);
  } catch (error) {
    if (!(error instanceof ContestantError)) throw error;
    result.failure = error.message;
    result.milliseconds.length = 0;
  }
}
