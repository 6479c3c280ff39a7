import { keep, matMul, ones, type Rank, slice, type Tensor2D, tidy } from "@tensorflow/tfjs";
import type { Contestant } from "./contestant.ts";

const SIZE = 1024;

let square: Tensor2D | undefined;

/** Our part of {@link peakProductRate}: one product of two square matrices. */
export async function squareProduct(): Promise<number> {
  square ??= keep(ones<Rank.R2>([SIZE, SIZE]));
  const [a, b] = [square, square];
  const corner = tidy(() => slice(matMul(a, b), [0, 0], [1, 1]));
  const value = (await corner.data())[0] as number;
  corner.dispose();
  return value;
}

/**
 * The best rate at which anybody here multiplies matrices, in operations per second: what a program on this machine can
 * be measured by. Each contestant makes the product of 1024 × 1024 matrices when asked for the work "product".
 */
export async function peakProductRate(contestants: readonly Contestant[]): Promise<number> {
  let fastest = Infinity;
  for (let round = 0; round < 3; round++) {
    for (const contestant of contestants) {
      fastest = Math.min(fastest, ...(await contestant.run(5, "product")).milliseconds);
    }
  }
  return (2 * SIZE ** 3 * 1000) / fastest;
}

/** What share of that rate so many operations are that take some milliseconds. */
export function shareOfPeak(flops: number, peakRate: number): (milliseconds: number) => number {
  return (milliseconds) => (1000 * flops) / milliseconds / peakRate;
}
