import { monitorEventLoopDelay } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Introduction } from "./contestant.ts";

/** One of our own programs under measurement. */
export interface Subject extends Introduction {
  /** Does the work once, but for what it leaves in a queue. Returns the number to check, and the time if not all counts. */
  run(work: string | undefined): Promise<number | Timed>;
  /** Waits for the queue; that counts as a part of the last run. */
  settle?(): Promise<unknown>;
}

/** Work of which only a part counts, in ms. */
export interface Timed {
  readonly check: number;
  readonly milliseconds: number;
}

/** Makes a program answer as `Contestant` asks: the other end of its conversation. */
export async function serve(prepare: () => Promise<Subject>): Promise<void> {
  try {
    const subject = await prepare();
    say({ name: subject.name });
    for await (const line of createInterface({ input: process.stdin })) say(await obey(subject, line));
  } catch (error) {
    say({ error: error instanceof Error ? error.message : String(error) });
  }
}

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

async function obey(subject: Subject, line: string): Promise<object> {
  const [command, count, work] = line.split(" ");
  // Node counts the peak in kilobytes on every system.
  if (command === "memory") {
    collectGarbage(); // what is held counts, not what has yet to be swept
    return { rssBytes: process.memoryUsage.rss(), peakRssBytes: process.resourceUsage().maxRSS * 1024 };
  }
  const milliseconds: number[] = [];
  let check = Number.NaN;
  const delays = monitorEventLoopDelay({ resolution: SAMPLING });
  delays.enable();
  for (let i = 0; i < Number(count); i++) {
    const started = performance.now();
    const done = await subject.run(work);
    if (i === Number(count) - 1) await subject.settle?.();
    const timed = typeof done === "number" ? { check: done, milliseconds: performance.now() - started } : done;
    check = timed.check;
    milliseconds.push(timed.milliseconds);
  }
  await setTimeout(2 * SAMPLING); // so that the last delay is seen
  delays.disable();
  return { milliseconds, check, eventLoopDelay: Math.max(0, delays.percentile(99) / 1e6 - SAMPLING) };
}

/** Milliseconds between two looks at the event loop. They are part of each delay that is reported. */
const SAMPLING = 10;

function say(answer: object): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
