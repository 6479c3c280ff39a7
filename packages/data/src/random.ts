import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";

/**
 * A generator from a seed and a stream number; of both the low 32 bits count. They are laid out as pure-rand lays out a
 * seed, then the jump of 2⁶⁴ draws mixes them, without which neighbouring seeds would begin with neighbouring numbers.
 */
export function seededGenerator(seed: number, stream = 0): RandomGenerator {
  const generator = xoroshiro128plusFromState([-1, ~seed, seed | 0, stream | 0]);
  generator.jump();
  return generator;
}

/** 0 … count − 1 in an order drawn uniformly among all orders (Fisher–Yates). */
export function shuffled(count: number, generator: RandomGenerator): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let last = count - 1; last > 0; last--) {
    const chosen = uniformInt(generator, 0, last);
    [order[last], order[chosen]] = [order[chosen], order[last]];
  }
  return order;
}
