//! Softmax over rows.

use crate::math::exp;
use crate::parallel::{for_each_range, items_per_task, Disjoint};
use crate::sums::{max_of, sum_of};
use crate::vectorized;

/// y ← exp(x − max x) / Σ exp(x − max x) in each row of this width. A row with NaN or +∞ becomes NaN, −∞ becomes 0.
pub fn forward(x: &[f32], width: usize, y: &mut [f32]) {
    let rows = x.len().checked_div(width).unwrap_or(0);
    assert!(x.len() == y.len() && rows * width == x.len(), "softmax's x and y are rows of the same width");
    let y = Disjoint::new(y);
    for_each_range(rows, items_per_task(rows, 8 * width), |range| {
        let numbers = range.start * width..range.end * width;
        // SAFETY: tasks have different rows.
        softmax_rows(&x[numbers.clone()], width, unsafe { y.range(numbers) });
    });
}

vectorized! {
    fn softmax_rows(x: &[f32], width: usize, y: &mut [f32]) {
        for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
            let max = max_of(x);
            for (y, x) in y.iter_mut().zip(x) {
                *y = exp::<FUSED>(x - max);
            }
            let factor = 1.0 / sum_of(y, |y| y);
            for y in y {
                *y *= factor;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{assert_close, random};

    #[test]
    fn is_exact() {
        for (rows, width) in [(0, 3), (3, 0), (1, 1), (5, 31), (9, 100), (300, 384), (3, 50_257)] {
            let x = random(rows * width, 1, 20.0);
            let mut y = vec![f32::NAN; x.len()];
            forward(&x, width, &mut y);
            let power = |i: usize| (x[i] as f64).exp();
            let sums = (0..rows).map(|row| (row * width..(row + 1) * width).map(power).sum()).collect::<Vec<f64>>();
            assert_close(&y, |i| power(i) / sums[i / width], 1e-6);
        }
    }

    #[test]
    fn what_is_not_finite_stays_in_its_row() {
        const INF: f32 = f32::INFINITY;
        let x = [0.0, f32::NAN, 0.0, 0.0, -INF, 0.0, -INF, -INF, -INF, 0.0, INF, 0.0, 1e30, -1e30, 1e30];
        let mut y = [0.0; 15];
        forward(&x, 3, &mut y);
        assert!(y[..3].iter().chain(&y[6..12]).all(|y| y.is_nan()));
        assert_eq!([&y[3..6], &y[12..]], [&[0.5, 0.0, 0.5]; 2]);
    }
}
