import { add, type Tensor } from "@tensorflow/tfjs";

/** The gradients so far of the tensors on a tape, while a backward pass walks it. */
export class Gradients {
  readonly #byId = new Map<number, Tensor>(); // by the id of the tensor
  readonly #addedInPlace = new Set<Tensor>();

  of(x: Tensor): Tensor | undefined {
    return this.#byId.get(x.id);
  }

  /** The gradient of `x`, for which nobody will ask again. */
  take(x: Tensor): Tensor | undefined {
    const gradient = this.#byId.get(x.id);
    this.#byId.delete(x.id);
    return gradient;
  }

  /** One more term of the gradient of `x`, which is consumed. */
  add(x: Tensor, term: Tensor): void {
    const before = this.of(x);
    if (before === undefined || this.#addedInPlace.delete(before)) {
      this.#byId.set(x.id, term);
      before?.dispose();
      return;
    }
    this.#byId.set(x.id, add(before, term));
    before.dispose();
    term.dispose();
  }

  /** Says that the next term of this gradient is the gradient itself, to whose memory a kernel has added. */
  markAddedInPlace(gradient: Tensor): void {
    this.#addedInPlace.add(gradient);
  }
}

let current: Gradients | undefined;

/** The gradients of the backward pass that is under way, to which a kernel may add in place. */
export function gradientsSoFar(): Gradients | undefined {
  return current;
}

/** Computes one operation's part of a backward pass, which may look at the gradients so far. */
export function withGradientsSoFar<T>(gradients: Gradients, compute: () => T): T {
  const outer = current;
  current = gradients;
  try {
    return compute();
  } finally {
    current = outer;
  }
}
