import { tensor, tidy, type Variable, variable, zeros } from "@tensorflow/tfjs";
import type { Parameter } from "@tessera-lm/layers";
import type { HostTensor, TensorToWrite } from "@tessera-lm/weights";
import type { Shape } from "../shapes.ts";
import type { Memory } from "./memory.ts";

/** Beside every parameter a tensor of its shape that starts at zero. */
export class Moments implements Memory {
  readonly kind: string;
  readonly dtype = "F32";
  readonly #byName = new Map<string, Variable>();

  constructor(kind: string) {
    this.kind = kind;
  }

  /** The tensor beside one parameter. */
  of(name: string, parameter: Parameter): Variable {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const fresh = tidy(() => variable(zeros(parameter.shape), false));
    this.#byName.set(name, fresh);
    return fresh;
  }

  shapeBeside(parameter: Parameter): Shape {
    return parameter.shape;
  }

  *entries(): Generator<[name: string, value: TensorToWrite]> {
    for (const [name, value] of this.#byName) {
      yield [name, { dtype: this.dtype, shape: value.shape, read: () => value.data<"float32">() }];
    }
  }

  set(name: string, parameter: Parameter, data: HostTensor["data"]): void {
    tidy(() => this.of(name, parameter).assign(tensor(data as Float32Array, parameter.shape, "float32")));
  }

  dispose(): void {
    for (const value of this.#byName.values()) value.dispose();
    this.#byName.clear();
  }
}
