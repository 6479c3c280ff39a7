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

/// Σ f(a, b, c).
#[inline(always)]
pub fn sum_of_triples(a: &[f32], b: &[f32], c: &[f32], f: impl Fn(f32, f32, f32) -> f32) -> f32 {
    let mut sums = [0.0; WIDTH];
    let (a_chunks, a_rest) = a.as_chunks::<WIDTH>();
    let (b_chunks, b_rest) = b.as_chunks::<WIDTH>();
    let (c_chunks, c_rest) = c.as_chunks::<WIDTH>();
    for ((a, b), c) in a_chunks.iter().zip(b_chunks).zip(c_chunks) {
        for i in 0..WIDTH {
            sums[i] += f(a[i], b[i], c[i]);
        }
    }
    for (((sum, a), b), c) in sums.iter_mut().zip(a_rest).zip(b_rest).zip(c_rest) {
        *sum += f(*a, *b, *c);
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

/// The greatest number, −∞ for none; NaN counts for nothing.
#[inline(always)]
pub fn max_of(x: &[f32]) -> f32 {
    let mut greatest = [f32::NEG_INFINITY; WIDTH];
    let (chunks, rest) = x.as_chunks::<WIDTH>();
    for chunk in chunks {
        for i in 0..WIDTH {
            greatest[i] = if chunk[i] > greatest[i] { chunk[i] } else { greatest[i] };
        }
    }
    for (greatest, x) in greatest.iter_mut().zip(rest) {
        *greatest = if *x > *greatest { *x } else { *greatest };
    }
    // Halves, because one comparison after the other would take longer than a short row.
    let mut width = WIDTH / 2;
    while width > 0 {
        for i in 0..width {
            greatest[i] = if greatest[i + width] > greatest[i] { greatest[i + width] } else { greatest[i] };
        }
        width /= 2;
    }
    greatest[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{random, SIZES};

    #[test]
    fn are_exact() {
        for size in SIZES {
            let (a, b) = (random(size, 1, 1.0), random(size, 2, 1.0));
            let exact = |f: fn(f64, f64) -> f64| a.iter().zip(&b).map(|(a, b)| f(*a as f64, *b as f64)).sum::<f64>();
            assert!((sum_of(&a, |x| x * x) as f64 - exact(|a, _| a * a)).abs() <= 1e-6 * size as f64);
            assert!((sum_of_pairs(&a, &b, |a, b| a * b) as f64 - exact(|a, b| a * b)).abs() <= 1e-6 * size as f64);
            let triples = sum_of_triples(&a, &b, &a, |a, b, c| a * b * c) as f64;
            assert!((triples - exact(|a, b| a * b * a)).abs() <= 1e-6 * size as f64);
            assert_eq!(max_of(&a), a.iter().copied().fold(f32::NEG_INFINITY, f32::max));
        }
    }

    #[test]
    fn nan_reaches_the_sums() {
        let mut x = [1.0; 100];
        x[99] = f32::NAN;
        assert!(sum_of(&x, |x| x).is_nan());
        assert!(sum_of_pairs(&x, &[0.0; 100], |a, b| a * b).is_nan());
        assert_eq!(max_of(&x), 1.0);
    }
}
