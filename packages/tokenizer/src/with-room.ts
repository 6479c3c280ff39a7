type Numbers = Int32Array | Uint32Array | Float64Array | Uint16Array | Uint8Array;

/** `array` itself if it has room for `needed` numbers, otherwise a copy at least twice as long. */
export function withRoom<T extends Numbers>(array: T, needed: number): T {
  if (needed <= array.length) return array;
  const larger = new (array.constructor as new (length: number) => T)(Math.max(2 * array.length, needed));
  larger.set(array);
  return larger;
}
