import { createInterface } from "node:readline";
import type { Introduction } from "./contestant.ts";

/** One of our own programs under measurement. */
export interface Subject extends Introduction {
  /** Does the work once, all of it: nothing may be left in a queue. Returns the number to check. */
  run(): Promise<number>;
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

async function obey(subject: Subject, line: string): Promise<object> {
  const [command, count] = line.split(" ");
  // Node counts in kilobytes on every system.
  if (command === "memory") return { peakRssBytes: process.resourceUsage().maxRSS * 1024 };
  const milliseconds: number[] = [];
  let check = Number.NaN;
  for (let i = 0; i < Number(count); i++) {
    const started = performance.now();
    check = await subject.run();
    milliseconds.push(performance.now() - started);
  }
  return { milliseconds, check };
}

function say(answer: object): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
