import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Exclusion, exclusions } from "./testing/conformance/exclusions.ts";
import { type Conformance, ConformanceSuite } from "./testing/conformance/run.ts";
import { hasAddon } from "./testing/engines.ts";

/** tfjs-core 4.22 has 4,232 specs, and a few of them are skipped by itself. */
const ALMOST_ALL = 4200;

let suite: ConformanceSuite;
beforeAll(async () => {
  suite = await ConformanceSuite.build();
}, 60_000);
afterAll(() => suite.remove());

describe("the specs of tfjs-core", { timeout: 300_000 }, () => {
  it.each(exclusions.filter(([backend]) => backend !== "tessera" || hasAddon))(
    "pass on %s",
    async (backend, excused) => {
      expectConformance(await suite.run(backend), excused);
    },
  );

  it.skipIf(!hasAddon)("pass on tessera in a worker thread", async () => {
    expectConformance(await suite.run("tessera", "worker"), []);
  });
});

function expectConformance({ executed, failures }: Conformance, excused: readonly Exclusion[]): void {
  const known = new Set(excused.map(({ spec }) => spec));
  const unexpected = [...failures].filter(([spec]) => !known.has(spec));
  expect(unexpected, "specs that fail").toEqual([]);
  const passing = [...known].filter((spec) => !failures.has(spec));
  expect(passing, "specs that are excluded but pass").toEqual([]);
  expect(executed).toBeGreaterThanOrEqual(ALMOST_ALL);
}
