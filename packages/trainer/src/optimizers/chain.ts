import type { Gradients, GradientTransform } from "./gradients.ts";
import type { Optimizer } from "./optimizer.ts";

/** An optimiser that sees the gradients after the transforms, applied from left to right. */
export function chain(...parts: readonly [...GradientTransform[], Optimizer]): Optimizer {
  const optimizer = parts[parts.length - 1] as Optimizer;
  const transforms = parts.slice(0, -1) as GradientTransform[];
  const transformed = (gradients: Gradients): Gradients =>
    transforms.reduce((result, transform) => transform(result), gradients);
  return {
    learningRate: (step) => optimizer.learningRate(step),
    update: (parameters, gradients, step) => optimizer.update(parameters, transformed(gradients), step),
    state: () => optimizer.state(),
    restore: (state, parameters) => optimizer.restore(state, parameters),
    dispose: () => optimizer.dispose(),
  };
}
