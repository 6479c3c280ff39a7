import { afterEach, describe, expect, it } from "vitest";
import { Contestant } from "./contestant.ts";
import { takeTurns } from "./turns.ts";

const contestants: Contestant[] = [];
afterEach(() => Promise.all(contestants.splice(0).map((contestant) => contestant.end())));

/** A contestant that answers as the given JavaScript says; `n` is the number of the command. */
function contestant(name: string, answer: string): Contestant {
  const source = `
    console.log("chatter of a library");
    console.log(JSON.stringify({ name: ${JSON.stringify(name)} }));
    let n = 0;
    require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
      const [command, count, work] = line.split(" ");
      n++;
      console.log(JSON.stringify(command === "memory" ? { rssBytes: 2 ** 20, peakRssBytes: 3 * 2 ** 20 } : ${answer}));
    });`;
  const made = new Contestant(process.execPath, ["-e", source]);
  contestants.push(made);
  return made;
}

const plan = { warmup: 2, rounds: 3, runsPerRound: 4 };

describe("takeTurns", () => {
  it("runs the warmup, then each round, and asks for memory last", async () => {
    const steady = contestant("steady", "{ milliseconds: Array(+count).fill(n), check: 10 + n }");
    const [result] = await takeTurns([steady], plan, () => {});
    // The first two commands are warmup.
    expect(result).toEqual({
      name: "steady",
      milliseconds: [3, 4, 5],
      firstCheck: 11,
      lastCheck: 15,
      eventLoopDelays: [],
      peakMegabytes: [3],
    });
  });

  it("can be called again for another kind of work, and passes on what a round says of the event loop", async () => {
    const echo = contestant("echo", "{ milliseconds: [work.length], check: 0, eventLoopDelay: n }");
    for (const [work, milliseconds] of [
      ["ab", 2],
      ["abcd", 4],
    ] as const) {
      const [result] = await takeTurns([echo], { ...plan, work }, () => {});
      expect(result).toMatchObject({ name: "echo", milliseconds: [milliseconds, milliseconds, milliseconds] });
      expect(result?.eventLoopDelays).toHaveLength(3);
    }
    expect(await echo.memory()).toEqual({ now: 1, peak: 3 });
  });

  it("never lets two work at once", async () => {
    const rounds: string[] = [];
    const busy =
      "(() => { const from = Date.now(); while (Date.now() < from + 20); return { milliseconds: [from], check: Date.now() }; })()";
    const [a, b] = await takeTurns([contestant("a", busy), contestant("b", busy)], plan, (line) => rounds.push(line));
    const starts = [...(a?.milliseconds ?? []), ...(b?.milliseconds ?? [])].sort((x, y) => x - y);
    expect(starts.slice(1).every((start, i) => start - (starts[i] as number) >= 20)).toBe(true);
    expect(rounds).toEqual(["round 1 of 3", "round 2 of 3", "round 3 of 3"]);
  });

  it("goes on without one that gives up, with its reason", async () => {
    const fails = contestant("fails", "n < 4 ? { milliseconds: [n], check: 0 } : { error: 'no room for 7 MB' }");
    const steady = contestant("steady", "{ milliseconds: [n], check: 0 }");
    const [failed, other] = await takeTurns([fails, steady], plan, () => {});
    expect(failed).toMatchObject({ failure: "no room for 7 MB", milliseconds: [], peakMegabytes: [] });
    expect(other).toMatchObject({ milliseconds: [3, 4, 5], peakMegabytes: [3] });
  });

  it("reports the last words of one that dies, and of one that is not there", async () => {
    const dies = contestant("dies", "(console.error('Killed by a test'), process.exit(3))");
    const missing = new Contestant("no-such-program-anywhere", []);
    contestants.push(missing);
    const [died, absent] = await takeTurns([dies, missing], plan, () => {});
    expect(died?.failure).toBe("the program ended: Killed by a test");
    expect(absent?.failure).toContain("ENOENT");
  });
});
