/** Numbers that are read, turned or quantised together: 1 MB as float32, little beside a model. */
const BAND_NUMBERS = 2 ** 18;

/** Rows `start` to `end`, the last not included. */
export type Band = readonly [start: number, end: number];

/** All rows of a tensor, some at a time: a multiple of `unit` of them, but for the last. */
export function* bandsOf([rows = 0, ...row]: readonly number[], unit = 1): Generator<Band> {
  const numbers = row.reduce((product, length) => product * length, unit);
  const height = Math.max(1, Math.floor(BAND_NUMBERS / numbers)) * unit;
  for (let start = 0; start < rows; start += height) yield [start, Math.min(start + height, rows)];
}

/** Rows that are turned together, as many as the processor's caches hold lines of. */
const TURNED_ROWS = 32;

/** Puts some rows of a matrix (R, C), from `first` on, into its transpose (C, R). */
export function putTurned(
  band: Float32Array,
  first: number,
  [rows, columns]: readonly [rows: number, columns: number],
  into: Float32Array,
): void {
  const height = band.length / columns;
  for (let top = 0; top < height; top += TURNED_ROWS) {
    const bottom = Math.min(top + TURNED_ROWS, height);
    for (let column = 0; column < columns; column++) {
      const start = column * rows + first;
      for (let row = top; row < bottom; row++) into[start + row] = band[row * columns + column];
    }
  }
}
