import { backend, type Tensor, tidy } from "@tensorflow/tfjs";

/** A function of tensors that is computed again and again on inputs of the same shapes. */
export interface Repeated {
  /** f(inputs), the caller's to dispose. */
  run(...inputs: Tensor[]): Tensor;
  /** Frees what was recorded. */
  dispose(): void;
}

/** What a backend may offer: to record the operations of a function and repeat them without JavaScript. */
export interface RecordingBackend {
  /** What f does with copies of the inputs, of which nothing runs yet; undefined if it cannot be recorded. */
  record(f: (...inputs: Tensor[]) => Tensor, inputs: readonly Tensor[]): Recording | undefined;
  /** Ends the recording that is under way, if there is one, by throwing. */
  refuseRecording(): void;
}

/** What a function does. */
export interface Recording {
  /** Does it on these inputs, of the shapes that were recorded. */
  run(inputs: readonly Tensor[]): Tensor;
  dispose(): void;
}

/** Computes what must not be recorded, such as new tensors in the place of ones that outlive the function. */
export function live<T>(compute: () => T): T {
  (backend() as Partial<RecordingBackend>).refuseRecording?.();
  return compute();
}

/**
 * repeated(f): f for many runs, such as the step of generation, in which JavaScript takes longer than a small model
 * does. A backend that can records the operations of the second run and repeats them from then on.
 *
 * f may read and write tensors that outlive it, such as a cache of keys and values, by operations; what else it does
 * in JavaScript it does in the first two runs only. Tensors that it reads must stay where they are until `dispose`: a
 * variable that is assigned another value, or a cache that grew, needs a new `repeated`.
 */
export function repeated(f: (...inputs: Tensor[]) => Tensor): Repeated {
  let runs = 0;
  let recording: Recording | undefined;
  return {
    run(...inputs) {
      // The first run may prepare what later ones find.
      if (++runs === 2) recording = (backend() as Partial<RecordingBackend>).record?.(f, inputs);
      return recording ? recording.run(inputs) : tidy(() => f(...inputs));
    },
    dispose() {
      recording?.dispose();
      recording = undefined;
    },
  };
}
