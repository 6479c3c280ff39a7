/** How far stored values lie from the originals. */
export interface QuantizationReport {
  /** √(mean of squared differences). */
  readonly rmse: number;
  /** `rmse` over the root mean square of the originals; 0 where both are 0. */
  readonly relativeRmse: number;
  /** The largest difference. */
  readonly maxError: number;
}

/**
 * `rmse = √(Σ (xᵢ − x̂ᵢ)² / n)` and `maxError = max |xᵢ − x̂ᵢ|`, summed in float64; zeros for no values.
 * @param restored as many values as `original`, such as `dequantize(quantize(original, type), type)`
 */
export function quantizationReport(original: Float32Array, restored: Float32Array): QuantizationReport {
  let squares = 0;
  let energy = 0;
  let maxError = 0;
  for (let i = 0; i < original.length; i++) {
    const error = original[i] - restored[i];
    squares += error * error;
    energy += original[i] * original[i];
    maxError = Math.max(maxError, Math.abs(error)); // keeps a NaN
  }
  const rmse = original.length === 0 ? 0 : Math.sqrt(squares / original.length);
  return { rmse, relativeRmse: squares === 0 ? 0 : Math.sqrt(squares / energy), maxError };
}
