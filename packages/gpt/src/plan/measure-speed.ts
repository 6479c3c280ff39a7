import { getBackend, matMul, ones, slice, type Tensor2D, tidy } from "@tensorflow/tfjs";
import type { Hardware } from "./hardware.ts";

/** A product that takes at least so long is long enough to be timed. */
const ENOUGH_SECONDS = 0.02;
/** Products of each size; the fastest counts, because others may be using the machine. */
const TRIES = 3;
/** Above this matrices no longer fit into caches and get no faster. */
const LARGEST = 2048;

/**
 * This machine for a plan: the speed of a product of two square matrices on the current backend, in less than a second
 * on a fast one. Training reaches some 80 % of it.
 */
export async function measureSpeed(): Promise<Hardware> {
  const backend = getBackend();
  for (let size = 128; ; size *= 2) {
    const seconds = await fastest(size);
    if (seconds < ENOUGH_SECONDS && size < LARGEST) continue;
    const source = `measured: a product of ${size} × ${size} matrices on ${backend}`;
    return { name: `this machine (${backend})`, peakFlops: (2 * size ** 3) / seconds, utilization: 0.8, source };
  }
}

async function fastest(size: number): Promise<number> {
  const matrix: Tensor2D = ones([size, size]);
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i <= TRIES; i++) {
    const started = performance.now();
    const corner = tidy(() => slice(matMul(matrix, matrix), [0, 0], [1, 1]));
    await corner.data(); // on an engine with a queue, and on a GPU, only now it is done
    if (i > 0) best = Math.min(best, performance.now() - started); // the first one warms up
    corner.dispose();
  }
  matrix.dispose();
  return Math.max(best, 1e-3) / 1000;
}
