import { type Tensor1D, type Tensor2D, tensor1d, tidy } from "@tensorflow/tfjs";
import { fused, hasKernel } from "./differentiable.ts";
import { OptionError } from "./errors.ts";
import { type DistributionOptions, likeliestToken, pickToken, tokenDistribution } from "./token-distribution.ts";
import { requireFloat } from "./validate.ts";

/**
 * sampleTokens: for each row of logits the token on which its number falls when the probabilities of
 * {@link tokenDistribution} are laid side by side, in double precision. At temperature 0 the likeliest token, the first
 * of equals.
 *
 * A row that no token can be sampled from gets −1 − t if its first logit that is NaN or +∞ is that of token t, and
 * −1 − V if none is finite: only the caller can say what that means. There is no gradient. The composition waits for the
 * logits: on a backend without the kernel (see {@link backendSamples}) whose results come later, sample in JavaScript.
 *
 * @param logits (B, V)
 * @param uniforms (B) in [0, 1)
 * @returns (B) int32
 * @throws ShapeError if the shapes do not fit together
 * @throws OptionError if an option is out of its range
 */
export function sampleTokens(logits: Tensor2D, uniforms: Tensor1D, options: DistributionOptions = {}): Tensor1D {
  requireFloat("sampleTokens", "logits", logits, "B", "V");
  requireFloat("sampleTokens", "uniforms", uniforms, logits.shape[0]);
  const { temperature = 1, topK = logits.shape[1], topP = 1, minP = 0 } = options;
  check({ temperature, topK, topP, minP });
  const attributes = { temperature, topK: Math.min(topK, logits.shape[1]), topP, minP };
  const compose = () => [compute(logits, uniforms, attributes)];
  return tidy(() => fused(KERNEL, { logits, uniforms }, attributes, compose)[0] as Tensor1D);
}

/** Whether the current backend samples by itself, so that nobody needs to read its logits. */
export function backendSamples(): boolean {
  return hasKernel(KERNEL);
}

const KERNEL = "TesseraSampleTokens";

function compute(logits: Tensor2D, uniforms: Tensor1D, options: Required<DistributionOptions>): Tensor1D {
  const [B, V] = logits.shape;
  const [values, numbers] = [logits.dataSync(), uniforms.dataSync()];
  const tokens = Array.from({ length: B }, (_, b) => {
    const row = values.subarray(b * V, (b + 1) * V);
    const best = likeliestToken(row);
    if (best < 0 || options.temperature === 0) return best;
    return pickToken(tokenDistribution(row, best, options), numbers[b] as number);
  });
  return tensor1d(tokens, "int32");
}

function check({ temperature, topK, topP, minP }: Required<DistributionOptions>): void {
  const insist = (name: string, value: number, isRight: boolean): void => {
    if (!isRight) throw new OptionError("sampleTokens", `${name} is ${value}`);
  };
  insist("temperature", temperature, temperature >= 0 && temperature < Infinity);
  insist("topK", topK, topK >= 1 && (Number.isInteger(topK) || topK === Infinity));
  insist("topP", topP, topP > 0 && topP <= 1);
  insist("minP", minP, minP >= 0 && minP <= 1);
}
