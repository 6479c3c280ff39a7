import { describe, expect, it } from "vitest";
import { InvalidOptionError } from "./errors.ts";
import { constant, warmupConstant, warmupCosine, warmupLinear } from "./schedules.ts";

const steps = (schedule: (step: number) => number, numbers: readonly number[]) => numbers.map(schedule);

describe("schedules", () => {
  it("constant and warmupConstant", () => {
    expect(steps(constant(0.5), [1, 100])).toEqual([0.5, 0.5]);
    expect(steps(warmupConstant({ peak: 1, warmupSteps: 3 }), [1, 2, 3, 4, 50])).toEqual([0.25, 0.5, 0.75, 1, 1]);
    expect(warmupConstant({ peak: 1 })(1)).toBe(1);
  });

  it("warmupLinear goes straight down to the end", () => {
    const schedule = warmupLinear({ peak: 1, end: 0.2, warmupSteps: 1, steps: 5 });
    const expected = [0.5, 1, 0.8, 0.6, 0.4, 0.2, 0.2];
    steps(schedule, [1, 2, 3, 4, 5, 6, 7]).forEach((value, i) => expect(value).toBeCloseTo(expected[i], 12));
  });

  it("warmupCosine is nanoGPT's get_lr of iteration step − 1", () => {
    // get_lr(0), get_lr(99), get_lr(100), get_lr(1050), get_lr(2000), get_lr(2001) of its CPU settings, in Python
    const schedule = warmupCosine({ peak: 1e-3, end: 1e-4, warmupSteps: 100, steps: 2000 });
    const expected = [9.900990099009901e-6, 9.900990099009901e-4, 1e-3, 5.5e-4, 1e-4, 1e-4];
    steps(schedule, [1, 100, 101, 1051, 2001, 2002]).forEach((value, i) => expect(value).toBeCloseTo(expected[i], 15));
  });

  it("a run that is all warmup never divides by zero", () => {
    expect(steps(warmupCosine({ peak: 1, end: 0, warmupSteps: 3, steps: 3 }), [1, 2, 3, 4])).toEqual([
      0.25, 0.5, 0.75, 0,
    ]);
  });

  it("refuses a run without steps", () => {
    expect(() => warmupCosine({ peak: 1, steps: 0 })).toThrow(InvalidOptionError);
  });
});
