import type { Parameter } from "@tessera-lm/layers";
import type { HostTensor, TensorToWrite } from "@tessera-lm/weights";
import type { Shape } from "../shapes.ts";
import type { Memory } from "./memory.ts";

type Entry = [name: string, parameter: Parameter];

/**
 * How many updates every parameter has had. The bias of its moments depends on it, and not on the step of the run: a
 * parameter may join late, and an optimiser may serve a second run.
 */
export class UpdateCounts implements Memory {
  readonly kind = "updates";
  readonly dtype = "I32";
  readonly #byName = new Map<string, number>();

  /** Counts one more update of each parameter. @returns them by their counts: one group, unless some joined late */
  next(parameters: ReadonlyMap<string, Parameter>): Map<number, Entry[]> {
    const groups = new Map<number, Entry[]>();
    for (const entry of parameters) {
      const count = (this.#byName.get(entry[0]) ?? 0) + 1;
      this.#byName.set(entry[0], count);
      const group = groups.get(count);
      if (group === undefined) groups.set(count, [entry]);
      else group.push(entry);
    }
    return groups;
  }

  shapeBeside(): Shape {
    return [];
  }

  *entries(): Generator<[name: string, value: TensorToWrite]> {
    for (const [name, count] of this.#byName) {
      yield [name, { dtype: this.dtype, shape: [], data: Int32Array.of(count) }];
    }
  }

  set(name: string, _parameter: Parameter, [count]: HostTensor["data"]): void {
    this.#byName.set(name, Number(count));
  }

  dispose(): void {
    this.#byName.clear();
  }
}
