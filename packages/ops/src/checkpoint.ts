import { customGrad, engine, type Tensor, tidy, Variable, zerosLike } from "@tensorflow/tfjs";
import { valueAndGradients } from "./value-and-gradients.ts";

/**
 * checkpoint(f, x, parameters) = f(x), but nothing that f computes on the way is kept for the backward pass: it keeps x
 * and computes f(x) again. One more forward pass in exchange for the memory between the passes; the gradients are the
 * same to the last bit.
 *
 * Chen et al. 2016, https://arxiv.org/abs/1604.06174; `torch.utils.checkpoint`.
 *
 * @param f computes the same every time: randomness comes from seeds that it closes over
 * @param x what f reads beside its parameters
 * @param parameters every variable in f that is trained; a gradient of another is not found
 * @throws GradientError as {@link valueAndGradients}, when the gradients are computed
 */
export function checkpoint(f: (x: Tensor) => Tensor, x: Tensor, parameters: readonly Variable[]): Tensor {
  if (!engine().isTapeOn()) return tidy(() => f(x));
  // Each once: every occurrence among the inputs would add the whole gradient.
  const trained = [...new Set(parameters)].filter(({ trainable }) => trainable);
  const run = customGrad((...inputs) => {
    const save = inputs[inputs.length - 1] as unknown as (tensors: Tensor[]) => void;
    save([x]);
    return { value: f(x), gradFunc: (dy: Tensor, saved: Tensor[]) => recompute(f, saved[0] as Tensor, trained, dy) };
  });
  return run(x, ...trained);
}

function recompute(f: (x: Tensor) => Tensor, x: Tensor, trained: readonly Variable[], dy: Tensor): Tensor[] {
  const inputs = [x, ...trained];
  const { value, gradients } = valueAndGradients(() => f(x), inputs, dy);
  value.dispose();
  return gradients.map((gradient, i) => gradient ?? zerosLike(inputs[i] as Tensor));
}
