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
 * @param others what else f reads and a gradient may be wanted of, such as the output of another module; kept like x
 * @throws GradientError as {@link valueAndGradients}, when the gradients are computed
 */
export function checkpoint(
  f: (x: Tensor, ...others: Tensor[]) => Tensor,
  x: Tensor,
  parameters: readonly Variable[],
  others: readonly Tensor[] = [],
): Tensor {
  if (!engine().isTapeOn()) return tidy(() => f(x, ...others));
  // Each once: every occurrence among the inputs would add the whole gradient.
  const trained = [...new Set(parameters)].filter(({ trainable }) => trainable);
  const run = customGrad((...inputs) => {
    const save = inputs[inputs.length - 1] as unknown as (tensors: Tensor[]) => void;
    save([x, ...others]);
    return {
      value: f(x, ...others),
      gradFunc: (dy: Tensor, saved: Tensor[]) => recompute(f, saved, trained, dy),
    };
  });
  return run(x, ...others, ...trained);
}

function recompute(
  f: (x: Tensor, ...others: Tensor[]) => Tensor,
  read: readonly Tensor[],
  trained: readonly Variable[],
  dy: Tensor,
): Tensor[] {
  const inputs = [...read, ...trained];
  const [x, ...others] = read as [Tensor, ...Tensor[]];
  const { value, gradients } = valueAndGradients(() => f(x, ...others), inputs, dy);
  value.dispose();
  return gradients.map((gradient, i) => gradient ?? zerosLike(inputs[i] as Tensor));
}
