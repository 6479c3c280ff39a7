import { engine, ones, type Tensor, tidy } from "@tensorflow/tfjs";
import { GradientError } from "./errors.ts";
import { Gradients, withGradientsSoFar } from "./gradients.ts";

/** What a function came to, and how it changes with some tensors. Both are the caller's to dispose. */
export interface ValueAndGradients {
  readonly value: Tensor;
  /** One for each tensor that was asked for, shaped like it; undefined where the value does not depend on it. */
  readonly gradients: readonly (Tensor | undefined)[];
}

/**
 * value = f() and the gradient of Σ dy · f() by each tensor of `xs`: what `variableGrads` and `grads` of TensorFlow.js
 * compute, in the same order and to the same bits, from the same tape.
 *
 * The difference is memory. TensorFlow.js keeps every saved tensor and every dy until the whole backward pass is over;
 * here each is freed as soon as its operation has its gradients, so that memory falls while the pass goes on.
 *
 * @param dy shaped like f(), stays the caller's; ones by default
 * @throws GradientError for an operation without a gradient, or within a function that is being differentiated
 */
export function valueAndGradients(f: () => Tensor, xs: readonly Tensor[], dy?: Tensor): ValueAndGradients {
  const { value, tape } = record(f);
  try {
    const gradients = tidy(() => backpropagate(tape, xs, value, dy?.clone() ?? ones(value.shape)));
    return { value, gradients };
  } catch (error) {
    value.dispose();
    throw error;
  } finally {
    tape.forEach(disposeSaved);
  }
}

type Tape = ReturnType<typeof engine>["state"]["activeTape"];
type TapeNode = Tape[number];

/** f() and the operations that made it, on a tape of its own: the backward pass of another tape may be under way. */
function record(f: () => Tensor): { value: Tensor; tape: Tape } {
  const { state } = engine();
  if (state.gradientDepth > 0) throw new GradientError("a gradient of a gradient is not defined");
  const outer = state.activeTape;
  const tape: Tape = [];
  state.activeTape = tape;
  state.gradientDepth++;
  try {
    return { value: tidy("forward", () => owned(f())), tape };
  } catch (error) {
    tape.forEach(disposeSaved);
    throw error;
  } finally {
    state.gradientDepth--;
    state.activeTape = outer;
  }
}

/** What was made in the current scope; of what somebody else may hold, such as a parameter, a clone. */
function owned(tensor: Tensor): Tensor {
  return tensor.scopeId === engine().state.activeScope?.id ? tensor : tensor.clone();
}

/** Walks the tape back from `y`, whose gradient is `dy`. Runs inside a tidy. */
function backpropagate(tape: Tape, xs: readonly Tensor[], y: Tensor, dy: Tensor): (Tensor | undefined)[] {
  const dependent = dependentOn(xs, tape);
  const gradients = new Gradients();
  gradients.add(y, dy);
  for (const node of tape.toReversed()) {
    const inputs = Object.keys(node.inputs).filter((name) => dependent.has(inputOf(node, name).id));
    const dys = inputs.length === 0 ? [] : node.outputs.map((output) => gradients.take(output));
    const found = dys.some((dy) => dy !== undefined) ? inputGradients(node, inputs, dys, gradients) : [];
    for (const dy of dys) dy?.dispose();
    disposeSaved(node);
    for (const [i, term] of found.entries()) gradients.add(inputOf(node, inputs[i] as string), term);
  }
  return xs.map((x, i) => {
    const gradient = gradients.of(x);
    return xs.indexOf(x) === i ? gradient : gradient?.clone();
  });
}

/** The ids of `xs` and of everything that was computed from them. */
function dependentOn(xs: readonly Tensor[], tape: Tape): Set<number> {
  const ids = new Set(xs.map(({ id }) => id));
  for (const { inputs, outputs } of tape) {
    if (Object.values(inputs).some(({ id }) => ids.has(id))) for (const { id } of outputs) ids.add(id);
  }
  return ids;
}

/** The gradients of some inputs of an operation, each a tensor that nobody else holds. */
function inputGradients(
  node: TapeNode,
  names: readonly string[],
  dys: readonly (Tensor | undefined)[],
  soFar: Gradients,
): Tensor[] {
  const { gradient, kernelName } = node;
  if (gradient === undefined) throw new GradientError(`${kernelName} has no gradient`);
  return tidy(() => {
    // A dy that is missing counts as zeros.
    const compute = withGradientsSoFar(soFar, () => gradient(dys as Tensor[]));
    const own = new Set<Tensor>();
    for (const name of names) {
      const dx = requireLike(inputOf(node, name), compute[name]?.(), `${kernelName}, input ${name}`);
      own.add(own.has(dx) ? dx.clone() : owned(dx));
    }
    return [...own];
  });
}

function requireLike(x: Tensor, dx: Tensor | undefined, place: string): Tensor {
  if (dx === undefined) throw new GradientError(`${place} has no gradient`);
  if (dx.dtype === "float32" && String(dx.shape) === String(x.shape)) return dx;
  throw new GradientError(
    `${place} has shape (${x.shape.join(", ")}), but its gradient is ${dx.dtype} of shape (${dx.shape.join(", ")})`,
  );
}

function disposeSaved({ saved = [] }: TapeNode): void {
  for (const tensor of saved) tensor.dispose();
}

function inputOf({ inputs }: TapeNode, name: string): Tensor {
  return inputs[name] as Tensor;
}
