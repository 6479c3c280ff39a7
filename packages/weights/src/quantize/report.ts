/** How far stored values lie from the originals. */
export interface QuantizationReport {
  /** How many values. */
  readonly count: number;
  /** √(mean of squared differences). */
  readonly rmse: number;
  /** `rmse` over `rms`; 0 where both are 0. */
  readonly relativeRmse: number;
  /** The largest difference. */
  readonly maxError: number;
  /** The root mean square of the originals. */
  readonly rms: number;
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
  return reportOf(original.length, squares, energy, maxError);
}

/** The report of all the values that some reports are of. */
export function combinedReport(reports: readonly QuantizationReport[]): QuantizationReport {
  const sum = (of: (report: QuantizationReport) => number): number =>
    reports.reduce((total, each) => total + of(each), 0);
  const squares = sum(({ count, rmse }) => count * rmse ** 2);
  const energy = sum(({ count, rms }) => count * rms ** 2);
  return reportOf(
    sum(({ count }) => count),
    squares,
    energy,
    Math.max(0, ...reports.map(({ maxError }) => maxError)),
  );
}

function reportOf(count: number, squares: number, energy: number, maxError: number): QuantizationReport {
  const [rmse, rms] = [squares, energy].map((total) => (count === 0 ? 0 : Math.sqrt(total / count)));
  return { count, rmse, relativeRmse: squares === 0 ? 0 : Math.sqrt(squares / energy), maxError, rms };
}
