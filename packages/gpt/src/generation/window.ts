/**
 * The tokens that a model with room for `size` sees of a sequence: all of them, or the last ones. To slide by one token
 * each time would be to read all again for each, since their positions change; so it slides by a quarter of the size,
 * and the model always sees at least the last three quarters.
 */
export function windowOf(sequence: readonly number[], size: number): readonly number[] {
  const start = windowStart(sequence.length, size);
  return start === 0 ? sequence.slice() : sequence.slice(start);
}

/** How many more tokens a sequence can take before the window slides. */
export function roomLeft(length: number, size: number): number {
  return windowStart(length, size) + size - length;
}

function windowStart(length: number, size: number): number {
  const stride = Math.max(1, Math.floor(size / 4));
  return length <= size ? 0 : stride * Math.ceil((length - size) / stride);
}
