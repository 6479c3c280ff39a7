import type { DataId, Tensor } from "@tensorflow/tfjs";
import { tensors } from "@tessera-lm/layers";
import { timesRewritten } from "@tessera-lm/ops";
import { GenerationError } from "../errors.ts";

/** A weight as it was when it was last looked at. */
interface Seen {
  readonly path: string;
  readonly tensor: Tensor;
  readonly dataId: DataId;
  readonly timesRewritten: number;
}

/** Notices that a model's weights are no longer what they were, such as after a step of training. */
export class WeightsWatch {
  readonly #model: object;
  #seen: readonly Seen[];

  constructor(model: object) {
    this.#model = model;
    this.#seen = look(model);
  }

  /**
   * Whether a weight has another value than at the last call.
   * @param thoroughly also if other modules stand in the model than before, which takes as long as to walk through it
   * @throws {GenerationError} if one was disposed of
   */
  haveChanged(thoroughly: boolean): boolean {
    if (this.#seen.every(isSame)) {
      if (!thoroughly) return false;
      const before = this.#seen;
      this.#seen = look(this.#model);
      return before.length !== this.#seen.length || before.some(({ tensor }, i) => tensor !== this.#seen[i]?.tensor);
    }
    this.#seen = look(this.#model); // as a quantised matrix, a weight may stand elsewhere
    return true;
  }
}

function isSame({ tensor, dataId, timesRewritten: times }: Seen): boolean {
  return tensor.dataId === dataId && !tensor.isDisposed && timesRewritten(tensor) === times;
}

function look(model: object): Seen[] {
  return Array.from(tensors(model), ([path, tensor]) => {
    if (tensor.isDisposed) {
      throw new GenerationError(
        `generate: the model's ${path} has been disposed of. Dispose of a model or a writer when its texts have ended.`,
      );
    }
    return { path, tensor, dataId: tensor.dataId, timesRewritten: timesRewritten(tensor) };
  });
}
