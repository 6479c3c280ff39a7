//! Layer normalisation over rows: y = (x − mean) · rstd · scale + shift with rstd = 1 / √(variance + ε) and the biased
//! variance (Ba, Kiros, Hinton 2016).

use crate::column_sums::sum_blocks;
use crate::parallel::{for_each_range, items_per_task, Disjoint};
use crate::simd::fma;
use crate::sums::{sum_of, sum_of_pairs, sum_of_triples};
use crate::vectorized;

/// What the backward pass keeps of each row.
pub struct Statistics<T> {
    /// The mean of the row.
    pub mean: T,
    /// The reciprocal standard deviation of the row.
    pub rstd: T,
}

/// What the backward pass writes; an empty slice is not wanted.
pub struct Gradients<'a> {
    /// (N, C)
    pub x: &'a mut [f32],
    /// (C)
    pub scale: &'a mut [f32],
    /// (C)
    pub shift: &'a mut [f32],
}

/// y (N, C) from x (N, C), scale (C) and perhaps shift (C); statistics (N) are written unless empty.
pub fn forward(
    x: &[f32],
    scale: &[f32],
    shift: Option<&[f32]>,
    epsilon: f32,
    y: &mut [f32],
    statistics: Statistics<&mut [f32]>,
) {
    let width = scale.len();
    assert!(
        x.len() == y.len() && x.len().checked_rem(width).unwrap_or(0) == 0,
        "layer norm's x and y are rows of scale's width"
    );
    assert!(shift.is_none_or(|shift| shift.len() == width), "layer norm's shift is as wide as its scale");
    let rows = x.len().checked_div(width).unwrap_or(0);
    let Statistics { mean, rstd } = statistics;
    assert!(
        mean.len() == rstd.len() && (mean.is_empty() || mean.len() == rows),
        "layer norm has statistics for each row"
    );
    let wanted = !mean.is_empty();
    let (y, mean, rstd) = (Disjoint::new(y), Disjoint::new(mean), Disjoint::new(rstd));
    for_each_range(rows, items_per_task(rows, 4 * width), |range| {
        let numbers = range.start * width..range.end * width;
        let kept = if wanted { range } else { 0..0 };
        // SAFETY: tasks have different rows.
        let (y, mean, rstd) = unsafe { (y.range(numbers.clone()), mean.range(kept.clone()), rstd.range(kept)) };
        forward_rows(&x[numbers], scale, shift, epsilon, y, mean, rstd);
    });
}

vectorized! {
    fn forward_rows(x: &[f32], scale: &[f32], shift: Option<&[f32]>, epsilon: f32, y: &mut [f32], means: &mut [f32], rstds: &mut [f32]) {
        let width = scale.len();
        for (row, (x, y)) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)).enumerate() {
            let mean = sum_of(x, |x| x) / width as f32;
            let variance = sum_of(x, |x| (x - mean) * (x - mean)) / width as f32;
            let rstd = 1.0 / (variance + epsilon).sqrt();
            match shift {
                Some(shift) => {
                    for (((y, x), scale), shift) in y.iter_mut().zip(x).zip(scale).zip(shift) {
                        *y = fma::<FUSED>((x - mean) * rstd, *scale, *shift);
                    }
                }
                None => {
                    for ((y, x), scale) in y.iter_mut().zip(x).zip(scale) {
                        *y = (x - mean) * rstd * scale;
                    }
                }
            }
            if !means.is_empty() {
                (means[row], rstds[row]) = (mean, rstd);
            }
        }
    }
}

/// With n = (x − mean) · rstd and h = dy · scale: dx = (h − mean(h) − n · mean(h · n)) · rstd, dscale = Σ dy · n and
/// dshift = Σ dy over the rows.
pub fn backward(dy: &[f32], x: &[f32], scale: &[f32], statistics: Statistics<&[f32]>, gradients: Gradients) {
    let width = scale.len();
    let Statistics { mean, rstd } = statistics;
    assert!(
        dy.len() == x.len() && mean.len() * width == x.len() && rstd.len() == mean.len(),
        "layer norm's gradient needs dy, x and statistics of the same rows"
    );
    let Gradients { x: dx, scale: d_scale, shift: d_shift } = gradients;
    assert!([0, x.len()].contains(&dx.len()), "layer norm's gradient of x is as large as x");
    assert!(
        [0, width].contains(&d_scale.len()) && [0, width].contains(&d_shift.len()),
        "layer norm's gradients of scale and shift are as wide as scale"
    );
    if width == 0 {
        return;
    }
    let x_wanted = !dx.is_empty();
    let dx = Disjoint::new(dx);
    sum_blocks(mean.len(), width, [d_scale, d_shift], |start, end, [d_scale, d_shift]| {
        let numbers = start * width..end * width;
        let (dy, x) = (&dy[numbers.clone()], &x[numbers.clone()]);
        let (mean, rstd) = (&mean[start..end], &rstd[start..end]);
        if x_wanted {
            // SAFETY: blocks have different rows.
            let dx = unsafe { dx.range(numbers) };
            backward_rows(dy, x, scale, mean, rstd, dx, d_scale, d_shift);
        } else {
            parameters_of_rows(dy, x, mean, rstd, d_scale, d_shift);
        }
    });
}

vectorized! {
    fn backward_rows(
        dy: &[f32], x: &[f32], scale: &[f32], means: &[f32], rstds: &[f32],
        dx: &mut [f32], d_scale: &mut [f32], d_shift: &mut [f32],
    ) {
        let width = scale.len();
        let rows = dy.chunks_exact(width).zip(x.chunks_exact(width)).zip(dx.chunks_exact_mut(width));
        for (((dy, x), dx), (mean, rstd)) in rows.zip(means.iter().zip(rstds)) {
            let h_mean = sum_of_pairs(dy, scale, |dy, scale| dy * scale) / width as f32;
            let along = sum_of_triples(dy, scale, x, |dy, scale, x| dy * scale * ((x - mean) * rstd)) / width as f32;
            let inputs = dy.iter().zip(x).zip(scale);
            let outputs = dx.iter_mut().zip(d_scale.iter_mut()).zip(d_shift.iter_mut());
            for (((dy, x), scale), ((dx, d_scale), d_shift)) in inputs.zip(outputs) {
                let normed = (x - mean) * rstd;
                *dx = fma::<FUSED>(normed, -along, fma::<FUSED>(*dy, *scale, -h_mean)) * rstd;
                *d_scale = fma::<FUSED>(*dy, normed, *d_scale);
                *d_shift += dy;
            }
        }
    }
}

vectorized! {
    fn parameters_of_rows(
        dy: &[f32], x: &[f32], means: &[f32], rstds: &[f32], d_scale: &mut [f32], d_shift: &mut [f32],
    ) {
        let width = d_scale.len();
        let rows = dy.chunks_exact(width).zip(x.chunks_exact(width));
        for ((dy, x), (mean, rstd)) in rows.zip(means.iter().zip(rstds)) {
            for ((d_scale, dy), x) in d_scale.iter_mut().zip(dy).zip(x) {
                *d_scale = fma::<FUSED>(*dy, (x - mean) * rstd, *d_scale);
            }
            for (d_shift, dy) in d_shift.iter_mut().zip(dy) {
                *d_shift += dy;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{assert_close, random};

    const SHAPES: [(usize, usize); 8] = [(0, 4), (1, 1), (3, 5), (7, 16), (2, 33), (40, 100), (300, 384), (5, 3000)];
    const EPSILON: f32 = 1e-5;

    struct Case {
        x: Vec<f32>,
        scale: Vec<f32>,
        shift: Vec<f32>,
        dy: Vec<f32>,
    }

    fn case((rows, width): (usize, usize)) -> Case {
        let x = random(rows * width, 1, 3.0).iter().map(|x| x + 2.0).collect();
        Case { x, scale: random(width, 2, 1.0), shift: random(width, 3, 1.0), dy: random(rows * width, 4, 1.0) }
    }

    /// Mean and reciprocal standard deviation of a row.
    fn exact_statistics(x: &[f32]) -> (f64, f64) {
        let mean = x.iter().map(|x| *x as f64).sum::<f64>() / x.len() as f64;
        let variance = x.iter().map(|x| (*x as f64 - mean).powi(2)).sum::<f64>() / x.len() as f64;
        (mean, 1.0 / (variance + EPSILON as f64).sqrt())
    }

    #[test]
    fn forward_is_exact() {
        for shape in SHAPES {
            let Case { x, scale, shift, .. } = case(shape);
            let (rows, width) = shape;
            for shift in [None, Some(&shift[..])] {
                let mut y = vec![f32::NAN; x.len()];
                let (mut mean, mut rstd) = (vec![f32::NAN; rows], vec![f32::NAN; rows]);
                forward(&x, &scale, shift, EPSILON, &mut y, Statistics { mean: &mut mean, rstd: &mut rstd });
                let exact = |row: usize| exact_statistics(&x[row * width..(row + 1) * width]);
                assert_close(&mean, |row| exact(row).0, 1e-6);
                assert_close(&rstd, |row| exact(row).1, 2e-6);
                let statistics = (0..rows).map(exact).collect::<Vec<_>>();
                let exact_y = |i: usize| {
                    let (mean, rstd) = statistics[i / width];
                    let shift = shift.map_or(0.0, |shift| shift[i % width] as f64);
                    (x[i] as f64 - mean) * rstd * scale[i % width] as f64 + shift
                };
                assert_close(&y, exact_y, 2e-6);
                let mut alone = vec![f32::NAN; x.len()];
                forward(&x, &scale, shift, EPSILON, &mut alone, Statistics { mean: &mut [], rstd: &mut [] });
                assert_eq!(alone, y);
            }
        }
    }

    #[test]
    fn backward_is_exact() {
        for shape in SHAPES {
            let Case { x, scale, dy, .. } = case(shape);
            let (rows, width) = shape;
            let exact = (0..rows).map(|row| exact_statistics(&x[row * width..(row + 1) * width])).collect::<Vec<_>>();
            let mean = exact.iter().map(|s| s.0 as f32).collect::<Vec<_>>();
            let rstd = exact.iter().map(|s| s.1 as f32).collect::<Vec<_>>();
            let (mut dx, mut d_scale, mut d_shift) =
                (vec![f32::NAN; x.len()], vec![f32::NAN; width], vec![f32::NAN; width]);
            let gradients = Gradients { x: &mut dx, scale: &mut d_scale, shift: &mut d_shift };
            backward(&dy, &x, &scale, Statistics { mean: &mean, rstd: &rstd }, gradients);

            let normed = |i: usize| (x[i] as f64 - exact[i / width].0) * exact[i / width].1;
            let h = |i: usize| dy[i] as f64 * scale[i % width] as f64;
            let row_mean = |row: usize, f: &dyn Fn(usize) -> f64| {
                (row * width..(row + 1) * width).map(f).sum::<f64>() / width as f64
            };
            let means =
                (0..rows).map(|row| (row_mean(row, &h), row_mean(row, &|i| h(i) * normed(i)))).collect::<Vec<_>>();
            // The statistics were rounded, and with one column a difference of nothing is divided by √ε.
            let tolerance = if width == 1 { 1e-3 } else { 5e-6 };
            assert_close(
                &dx,
                |i| (h(i) - means[i / width].0 - normed(i) * means[i / width].1) * exact[i / width].1,
                tolerance,
            );
            assert_close(
                &d_scale,
                |c| (0..rows).map(|row| dy[row * width + c] as f64 * normed(row * width + c)).sum(),
                1e-5,
            );
            assert_close(&d_shift, |c| (0..rows).map(|row| dy[row * width + c] as f64).sum(), 1e-5);
        }
    }

    #[test]
    fn only_wanted_gradients_are_written() {
        let Case { x, scale, dy, .. } = case((300, 40));
        let (mean, rstd) = (random(300, 5, 1.0), random(300, 6, 1.0));
        let run = |x_wanted: bool, scale_wanted: bool, shift_wanted: bool| {
            let (mut dx, mut d_scale, mut d_shift) = (vec![f32::NAN; 12_000], vec![f32::NAN; 40], vec![f32::NAN; 40]);
            dx.truncate(if x_wanted { 12_000 } else { 0 });
            d_scale.truncate(if scale_wanted { 40 } else { 0 });
            d_shift.truncate(if shift_wanted { 40 } else { 0 });
            let gradients = Gradients { x: &mut dx, scale: &mut d_scale, shift: &mut d_shift };
            backward(&dy, &x, &scale, Statistics { mean: &mean, rstd: &rstd }, gradients);
            (dx, d_scale, d_shift)
        };
        let (dx, d_scale, d_shift) = run(true, true, true);
        assert_eq!(run(true, false, false).0, dx);
        assert_eq!(run(false, true, false).1, d_scale);
        assert_eq!(run(false, false, true).2, d_shift);
    }

    #[test]
    fn a_row_with_nan_is_nan_and_no_other() {
        let Case { mut x, scale, shift, .. } = case((3, 50));
        x[60] = f32::NAN;
        let mut y = vec![0.0; 150];
        forward(&x, &scale, Some(&shift), EPSILON, &mut y, Statistics { mean: &mut [], rstd: &mut [] });
        assert!(y[50..100].iter().all(|y| y.is_nan()));
        assert!(y[..50].iter().chain(&y[100..]).all(|y| y.is_finite()));
    }
}
