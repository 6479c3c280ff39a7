import { mul, type Tensor, type Tensor2D, type Tensor3D } from "@tensorflow/tfjs";
import { rope, ropeFrequencies } from "@tessera-lm/ops";

/** How a model's context was stretched beyond the one that it was first trained with. */
export type RopeScaling = LinearScaling | Llama3Scaling | YarnScaling | FactorScaling;

/** All positions are divided by the factor (Chen et al. 2023). */
export interface LinearScaling {
  readonly type: "linear";
  readonly factor: number;
}

/** Slow pairs are divided by the factor, fast ones are left, those between are blended: Llama 3.1. */
export interface Llama3Scaling {
  readonly type: "llama3";
  readonly factor: number;
  /** Pairs that turn less often than this within the original context are divided. Llama 3.1: 1. */
  readonly lowFrequencyFactor: number;
  /** Pairs that turn more often than this are left. Llama 3.1: 4. */
  readonly highFrequencyFactor: number;
  readonly originalContextLength: number;
}

/** YaRN (Peng et al. 2023): as Llama 3's with a blend over the index of the pair, and larger queries and keys. */
export interface YarnScaling {
  readonly type: "yarn";
  readonly factor: number;
  readonly originalContextLength: number;
  /** Turns within the original context from which on a pair is left. Default 32. */
  readonly betaFast?: number;
  /** Turns below which a pair is divided. Default 1. */
  readonly betaSlow?: number;
  /** What queries and keys are multiplied by. Default 0.1 · ln(factor) + 1. */
  readonly attentionFactor?: number;
}

/** Each pair's frequency is divided by a factor of its own, as GGUF files write the scaling of Llama 3. */
export interface FactorScaling {
  readonly type: "factors";
  /** (D / 2) */
  readonly factors: readonly number[];
}

/** Rotary positions (Su et al. 2021) in the order of Hugging Face's Llama: i and i + D / 2 of a head turn together. */
export class Rotary {
  /** (D / 2) radians per position. */
  readonly frequencies: readonly number[];
  /** What turned vectors are multiplied by; 1 but for YaRN. */
  readonly amplitude: number;

  constructor(frequencies: readonly number[], amplitude = 1) {
    this.frequencies = frequencies;
    this.amplitude = amplitude;
  }

  /** (B, T, H·D) → (B, T, H·D), whose rows are at `positions`, (B, T) int32; by default 0 … T − 1. */
  turn(x: Tensor, numHeads: number, positions?: Tensor2D): Tensor3D {
    const turned = rope(x as Tensor3D, { numHeads, frequencies: this.frequencies, positions });
    return this.amplitude === 1 ? turned : mul(turned, this.amplitude);
  }
}

export interface RotaryOptions {
  /** D, an even number. */
  readonly headWidth: number;
  /** θ: pair i turns by θ^(−2i / D) per position. Default 10,000. */
  readonly theta?: number;
  /** Default: none. */
  readonly scaling?: RopeScaling;
}

export function createRotary({ headWidth, theta = 10_000, scaling }: RotaryOptions): Rotary {
  const frequencies = ropeFrequencies(headWidth, theta);
  if (scaling === undefined) return new Rotary(frequencies);
  if (scaling.type === "linear") return new Rotary(frequencies.map((frequency) => fround(frequency / scaling.factor)));
  if (scaling.type === "factors") return new Rotary(frequencies.map((f, pair) => fround(f / scaling.factors[pair])));
  if (scaling.type === "llama3") return new Rotary(frequencies.map((frequency) => llama3(frequency, scaling)));
  const amplitude = scaling.attentionFactor ?? (scaling.factor <= 1 ? 1 : 0.1 * Math.log(scaling.factor) + 1);
  return new Rotary(yarn(frequencies, theta, scaling), amplitude);
}

// Rounded to float32 wherever transformers is: the angle of a late position shows the difference.
const { fround } = Math;

function llama3(frequency: number, scaling: Llama3Scaling): number {
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalContextLength } = scaling;
  const wavelength = fround((2 * Math.PI) / frequency);
  if (wavelength < originalContextLength / high) return frequency;
  const divided = fround(frequency / factor);
  if (wavelength > originalContextLength / low) return divided;
  const share = fround(fround(fround(originalContextLength / wavelength) - low) / (high - low));
  return fround(fround(fround(fround(1 - share) * frequency) / factor) + fround(share * frequency));
}

function yarn(frequencies: readonly number[], theta: number, scaling: YarnScaling): number[] {
  const { factor, originalContextLength, betaFast = 32, betaSlow = 1 } = scaling;
  const headWidth = 2 * frequencies.length;
  /** The pair, as a real number, that turns so often within the original context. */
  const pairOf = (turns: number): number =>
    (headWidth * Math.log(originalContextLength / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const first = Math.max(Math.floor(pairOf(betaFast)), 0);
  const last = Math.min(Math.ceil(pairOf(betaSlow)), headWidth - 1);
  const length = last === first ? 0.001 : last - first;
  return frequencies.map((frequency, i) => {
    const share = fround(Math.min(Math.max(fround((i - first) / length), 0), 1)); // of the divided frequency
    return fround(fround(fround(frequency / factor) * share) + fround(frequency * fround(1 - share)));
  });
}
