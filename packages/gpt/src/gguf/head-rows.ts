/**
 * The rows of each head in the order 0, 2, 4, … 1, 3, 5, …. In llama.cpp and llama2.c neighbouring rows of Llama's queries
 * and keys turn together, in Hugging Face's and in ours row i and row i + D / 2.
 * @param values so many rows, of numbers or of bytes
 * @param headWidth D
 */
export function halvesFirst<Values extends Float32Array | Uint8Array>(
  values: Values,
  numRows: number,
  headWidth: number,
): Values {
  return moved(values, numRows, headWidth, (place) => 2 * (place % (headWidth / 2)) + Number(place >= headWidth / 2));
}

/** The inverse of `halvesFirst`. */
export function neighboursFirst<Values extends Float32Array | Uint8Array>(
  values: Values,
  numRows: number,
  headWidth: number,
): Values {
  return moved(values, numRows, headWidth, (place) => (place % 2) * (headWidth / 2) + Math.floor(place / 2));
}

/** Every row from another place in its head. */
function moved<Values extends Float32Array | Uint8Array>(
  values: Values,
  numRows: number,
  headWidth: number,
  from: (place: number) => number,
): Values {
  const result = values.slice() as Values;
  const length = values.length / numRows;
  for (let row = 0; row < numRows; row++) {
    const place = row % headWidth;
    const source = row - place + from(place);
    result.set(values.subarray(source * length, (source + 1) * length), row * length);
  }
  return result;
}
