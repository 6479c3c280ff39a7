import { type Rank, type ShapeMap, tensor } from "@tensorflow/tfjs";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { JumpableRandomGenerator } from "pure-rand/types/JumpableRandomGenerator";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import { ParameterMemoryError } from "./errors.ts";
import { type Parameter, parameter } from "./parameter.ts";

/** Makes one weight matrix: normal values with standard deviation `std`, or whatever a loader puts in their place. */
export type Initializer = <R extends Rank>(shape: ShapeMap[R], std: number) => Parameter<R>;

/**
 * The random numbers of one seed (an integer; its low 32 bits count): xoroshiro128+. They are made in JavaScript, hence
 * the same on every backend.
 */
export function randomGenerator(seed: number): RandomGenerator {
  const generator: JumpableRandomGenerator = xoroshiro128plus(seed);
  // The state of a fresh generator is little more than the seed itself; a jump of 2^64 steps mixes it.
  generator.jump();
  return generator;
}

/** N(0, std²), drawn in row-major order. */
export function normal<R extends Rank>(shape: ShapeMap[R], std: number, random: RandomGenerator): Parameter<R> {
  return parameter(tensor<R>(normalValues(valuesOf(shape), std, random), shape, "float32"));
}

/** U(−bound, bound), drawn in row-major order. */
export function uniform<R extends Rank>(shape: ShapeMap[R], bound: number, random: RandomGenerator): Parameter<R> {
  const values = valuesOf(shape);
  for (let i = 0; i < values.length; i++) values[i] = signedUniform(random) * bound;
  return parameter(tensor<R>(values, shape, "float32"));
}

/** All zeros: biases, and the weights of a model that is about to be loaded. */
export function zeros<R extends Rank>(shape: ShapeMap[R]): Parameter<R> {
  return parameter(tensor<R>(valuesOf(shape), shape, "float32"));
}

/** All ones: the scales of norms. */
export function ones<R extends Rank>(shape: ShapeMap[R]): Parameter<R> {
  return parameter(tensor<R>(valuesOf(shape).fill(1), shape, "float32"));
}

/** Marsaglia's polar method, in place: two normal values from a point that is uniform in the unit disc, without sine or cosine. */
function normalValues(values: Float32Array, std: number, random: RandomGenerator): Float32Array {
  for (let i = 0; i < values.length; ) {
    const u = signedUniform(random);
    const v = signedUniform(random);
    const s = u * u + v * v;
    if (s >= 1 || s === 0) continue;
    const factor = std * Math.sqrt((-2 * Math.log(s)) / s);
    values[i++] = u * factor;
    if (i < values.length) values[i++] = v * factor;
  }
  return values;
}

/** Uniform in [−1, 1), in steps of 2^−31. */
function signedUniform(random: RandomGenerator): number {
  return random.next() * 2 ** -31;
}

/** Zeros for every element of a parameter. @throws ParameterMemoryError */
function valuesOf(shape: readonly number[]): Float32Array {
  try {
    return new Float32Array(shape.reduce((product, length) => product * length, 1));
  } catch (cause) {
    throw new ParameterMemoryError(shape, { cause });
  }
}
