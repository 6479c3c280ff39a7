//! Sums inside [`crate::vectorized!`] bodies.

use crate::simd::{sum_lanes, LANES};

/// Two vectors of running sums, so that an addition need not wait for the one before it.
const WIDTH: usize = 2 * LANES;

/// Σ f(x).
#[inline(always)]
pub fn sum_of(x: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut sums = [0.0; WIDTH];
    let (chunks, rest) = x.as_chunks::<WIDTH>();
    for chunk in chunks {
        for i in 0..WIDTH {
            sums[i] += f(chunk[i]);
        }
    }
    for (sum, x) in sums.iter_mut().zip(rest) {
        *sum += f(*x);
    }
    total(sums)
}

/// Σ f(a, b).
#[inline(always)]
pub fn sum_of_pairs(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [0.0; WIDTH];
    let ((a_chunks, a_rest), (b_chunks, b_rest)) = (a.as_chunks::<WIDTH>(), b.as_chunks::<WIDTH>());
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for i in 0..WIDTH {
            sums[i] += f(a[i], b[i]);
        }
    }
    for ((sum, a), b) in sums.iter_mut().zip(a_rest).zip(b_rest) {
        *sum += f(*a, *b);
    }
    total(sums)
}

#[inline(always)]
fn total(sums: [f32; WIDTH]) -> f32 {
    let mut lanes = [0.0; LANES];
    for i in 0..LANES {
        lanes[i] = sums[i] + sums[i + LANES];
    }
    sum_lanes(lanes)
}
