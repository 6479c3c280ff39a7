/**
 * hash32: two rounds of multiply and xor-shift, a bijection of the 32-bit integers in which every input bit changes
 * every output bit with a probability close to ½.
 */
export function hash32(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x21f0aaad);
  h = Math.imul(h ^ (h >>> 15), 0x735a2d97);
  return (h ^ (h >>> 15)) >>> 0;
}

/**
 * foldIn(seed, data) = hash32(hash32(seed + 0x9e3779b9) xor data): a new seed for each `data`, as unrelated to the
 * others as random ones. The same idea as `jax.random.fold_in`: one run seed gives every step, layer and site its own.
 *
 * @param seed an integer; its low 32 bits count
 * @param data an integer; its low 32 bits count, and different ones give different seeds
 * @returns an unsigned 32-bit integer
 */
export function foldIn(seed: number, data: number): number {
  return hash32(hash32((seed | 0) + 0x9e3779b9) ^ data);
}
