import { describe, expect, it } from "vitest";
import { type EarlyStopping, outOfPatience, parseEarlyStopping } from "./early-stopping.ts";
import { InvalidOptionError, UnknownMetricError } from "./errors.ts";
import type { EvalEnd } from "./events.ts";
import { bestOf, history, type Metric, parseMetric } from "./metric.ts";

const evaluations = (values: readonly (number | null)[], name = "validation"): EvalEnd[] =>
  values.map((loss, i) => JSON.parse(JSON.stringify({ type: "eval-end", step: i + 1, name, loss })));
const validation = { metric: "validation.loss" };
const parsed = (metric: Metric) => parseMetric("keepBest", metric);
const stops = (evaluated: EvalEnd[], options: EarlyStopping) => outOfPatience(evaluated, parseEarlyStopping(options));

describe("outOfPatience", () => {
  it.each([
    ["nothing evaluated", [], 1, 0, false],
    ["always better", [5, 4, 3], 1, 0, false],
    ["worse once", [5, 6], 1, 0, true],
    ["worse once, patient", [5, 6], 2, 0, false],
    ["worse twice in a row", [5, 6, 7], 2, 0, true],
    ["worse twice, not in a row", [5, 6, 4, 5], 2, 0, false],
    ["equal is no improvement", [5, 5], 1, 0, true],
    ["not better than the best", [5, 6, 5.5], 2, 0, true],
    ["better by too little", [5, 4.95], 1, 0.1, true],
    ["better by enough", [5, 4.8], 1, 0.1, false],
    ["small improvements add up against the best", [5, 4.95, 4.85], 2, 0.1, false],
    ["NaN, null in JSON, is no improvement", [5, null], 1, 0, true],
  ] as const)("%s", (_what, values, patience, minImprovement, expected) => {
    expect(stops(evaluations(values), { ...validation, patience, minImprovement })).toBe(expected);
  });

  it("can look for the highest", () => {
    expect(stops(evaluations([1, 2, 3]), { ...validation, goal: "highest", patience: 1 })).toBe(false);
    expect(stops(evaluations([1, 0.5]), { ...validation, goal: "highest", patience: 1 })).toBe(true);
  });

  it("looks at the named evaluation only", () => {
    const mixed = [...evaluations([5]), ...evaluations([6, 7, 8], "other")];
    expect(stops(mixed, { ...validation, patience: 1 })).toBe(false);
  });
});

describe("metrics", () => {
  it("names of evaluations may hold dots", () => {
    expect(history(evaluations([2], "tinyshakespeare.txt"), parsed({ metric: "tinyshakespeare.txt.loss" }))).toEqual([
      { step: 1, value: 2 },
    ]);
  });

  it("an unknown number is an error that lists the known ones", () => {
    const asking = () => history(evaluations([2]), parsed({ metric: "validation.los" }));
    expect(asking).toThrow(UnknownMetricError);
    expect(asking).toThrow(/validation\.loss/);
  });

  it.each(["", "loss", ".loss", "validation."])("%j is no name of a metric", (metric) => {
    expect(() => parsed({ metric })).toThrow(InvalidOptionError);
    expect(() => parsed({ metric })).toThrow(/^keepBest\.metric is .*NAME\.KEY/);
  });

  it("bestOf takes the first of equals and never NaN", () => {
    const points = [Number.NaN, 3, 2, 2].map((value, step) => ({ step, value }));
    expect(bestOf(points, parsed(validation))?.step).toBe(2);
    expect(bestOf(points, parsed({ ...validation, goal: "highest" }))?.step).toBe(1);
    expect(bestOf([], parsed(validation))).toBeUndefined();
  });
});
