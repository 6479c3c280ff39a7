import { afterEach, expect, test, vi } from "vitest";
import { breathe } from "./breathe.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

/** Whether a timer comes through three times while a computation pauses again and again by `pause`. */
async function timersRun(pause: () => Promise<void>, milliseconds: number): Promise<boolean> {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  for (const end = performance.now() + milliseconds; ticks < 3 && performance.now() < end; ) await pause();
  clearInterval(timer);
  return ticks === 3;
}

test("a promise alone lets nothing run", async () => {
  expect(await timersRun(() => Promise.resolve(), 30)).toBe(false);
});

test("timers run where there is setImmediate", async () => {
  expect(await timersRun(breathe, 5000)).toBe(true);
});

test("timers run where there is none, as in browsers", async () => {
  const slow = vi.fn();
  vi.stubGlobal("setImmediate", undefined);
  vi.stubGlobal("setTimeout", slow);
  expect(await timersRun(breathe, 5000)).toBe(true);
  expect(slow).not.toHaveBeenCalled();
});
