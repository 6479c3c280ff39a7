//! Normalisation of rows by their root mean square: y = x · rstd · scale with rstd = 1 / √(mean(x²) + ε) (Zhang,
//! Sennrich 2019).

use crate::column_sums::sum_blocks;
use crate::parallel::{for_each_range, items_per_task, Disjoint};
use crate::simd::fma;
use crate::sums::{sum_of, sum_of_triples};
use crate::vectorized;

/// What the backward pass writes; an empty slice is not wanted.
pub struct Gradients<'a> {
    /// (N, C)
    pub x: &'a mut [f32],
    /// (C)
    pub scale: &'a mut [f32],
}

/// y (N, C) from x (N, C) and scale (C); rstd (N) is written unless it is empty.
pub fn forward(x: &[f32], scale: &[f32], epsilon: f32, y: &mut [f32], rstd: &mut [f32]) {
    let width = scale.len();
    let rows = x.len().checked_div(width).unwrap_or(0);
    assert!(x.len() == y.len() && rows * width == x.len(), "RMS norm's x and y are rows of scale's width");
    assert!([0, rows].contains(&rstd.len()), "RMS norm has one rstd for each row");
    let wanted = !rstd.is_empty();
    let (y, rstd) = (Disjoint::new(y), Disjoint::new(rstd));
    for_each_range(rows, items_per_task(rows, 4 * width), |range| {
        let numbers = range.start * width..range.end * width;
        // SAFETY: tasks have different rows.
        let (y, rstd) = unsafe { (y.range(numbers.clone()), rstd.range(if wanted { range } else { 0..0 })) };
        forward_rows(&x[numbers], scale, epsilon, y, rstd);
    });
}

vectorized! {
    fn forward_rows(x: &[f32], scale: &[f32], epsilon: f32, y: &mut [f32], rstds: &mut [f32]) {
        let width = scale.len();
        for (row, (x, y)) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)).enumerate() {
            let rstd = 1.0 / (sum_of(x, |x| x * x) / width as f32 + epsilon).sqrt();
            for ((y, x), scale) in y.iter_mut().zip(x).zip(scale) {
                *y = x * rstd * scale;
            }
            if !rstds.is_empty() {
                rstds[row] = rstd;
            }
        }
    }
}

/// With n = x · rstd and h = dy · scale: dx = (h − n · mean(h · n)) · rstd and dscale = Σ dy · n over the rows.
pub fn backward(dy: &[f32], x: &[f32], scale: &[f32], rstd: &[f32], gradients: Gradients) {
    let width = scale.len();
    assert!(dy.len() == x.len() && rstd.len() * width == x.len(), "RMS norm's dy, x and rstd are of the same rows");
    let Gradients { x: dx, scale: d_scale } = gradients;
    assert!([0, x.len()].contains(&dx.len()), "RMS norm's gradient of x is as large as x");
    assert!([0, width].contains(&d_scale.len()), "RMS norm's gradient of scale is as wide as scale");
    if width == 0 {
        return;
    }
    let x_wanted = !dx.is_empty();
    let dx = Disjoint::new(dx);
    sum_blocks(rstd.len(), width, [d_scale], |start, end, [d_scale]| {
        let numbers = start * width..end * width;
        let (dy, x, rstd) = (&dy[numbers.clone()], &x[numbers.clone()], &rstd[start..end]);
        if x_wanted {
            // SAFETY: blocks have different rows.
            backward_rows(dy, x, scale, rstd, unsafe { dx.range(numbers) }, d_scale);
        } else {
            scale_of_rows(dy, x, rstd, d_scale);
        }
    });
}

vectorized! {
    fn backward_rows(
        dy: &[f32], x: &[f32], scale: &[f32], rstds: &[f32], dx: &mut [f32], d_scale: &mut [f32],
    ) {
        let width = scale.len();
        let rows = dy.chunks_exact(width).zip(x.chunks_exact(width)).zip(dx.chunks_exact_mut(width));
        for (((dy, x), dx), rstd) in rows.zip(rstds) {
            let along = sum_of_triples(dy, scale, x, |dy, scale, x| dy * scale * (x * rstd)) / width as f32;
            let inputs = dy.iter().zip(x).zip(scale);
            for (((dy, x), scale), (dx, d_scale)) in inputs.zip(dx.iter_mut().zip(d_scale.iter_mut())) {
                let normed = x * rstd;
                *dx = fma::<FUSED>(normed, -along, dy * scale) * rstd;
                *d_scale = fma::<FUSED>(*dy, normed, *d_scale);
            }
        }
    }
}

vectorized! {
    fn scale_of_rows(dy: &[f32], x: &[f32], rstds: &[f32], d_scale: &mut [f32]) {
        let width = d_scale.len();
        for ((dy, x), rstd) in dy.chunks_exact(width).zip(x.chunks_exact(width)).zip(rstds) {
            for ((d_scale, dy), x) in d_scale.iter_mut().zip(dy).zip(x) {
                *d_scale = fma::<FUSED>(*dy, x * rstd, *d_scale);
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

    fn exact_rstd(x: &[f32]) -> f64 {
        let mean = x.iter().map(|x| (*x as f64).powi(2)).sum::<f64>() / x.len() as f64;
        1.0 / (mean + EPSILON as f64).sqrt()
    }

    #[test]
    fn forward_and_backward_are_exact() {
        for (rows, width) in SHAPES {
            let size = rows * width;
            let (x, scale, dy) = (random(size, 1, 3.0), random(width, 2, 1.0), random(size, 3, 1.0));
            let (mut y, mut rstd) = (vec![f32::NAN; size], vec![f32::NAN; rows]);
            forward(&x, &scale, EPSILON, &mut y, &mut rstd);
            let exact = (0..rows).map(|row| exact_rstd(&x[row * width..(row + 1) * width])).collect::<Vec<_>>();
            let normed = |i: usize| x[i] as f64 * exact[i / width];
            assert_close(&rstd, |row| exact[row], 1e-6);
            assert_close(&y, |i| normed(i) * scale[i % width] as f64, 1e-6);

            let (mut dx, mut d_scale) = (vec![f32::NAN; size], vec![f32::NAN; width]);
            backward(&dy, &x, &scale, &rstd, Gradients { x: &mut dx, scale: &mut d_scale });
            let h = |i: usize| dy[i] as f64 * scale[i % width] as f64;
            let along =
                |row: usize| (row * width..(row + 1) * width).map(|i| h(i) * normed(i)).sum::<f64>() / width as f64;
            let alongs = (0..rows).map(along).collect::<Vec<_>>();
            assert_close(&dx, |i| (h(i) - normed(i) * alongs[i / width]) * exact[i / width], 2e-6);
            let column = |c: usize| (0..rows).map(move |row| row * width + c);
            assert_close(&d_scale, |c| column(c).map(|i| dy[i] as f64 * normed(i)).sum(), 1e-5);

            let mut alone = vec![f32::NAN; size];
            backward(&dy, &x, &scale, &rstd, Gradients { x: &mut alone, scale: &mut [] });
            assert_eq!(alone, dx);
            let mut alone = vec![f32::NAN; width];
            backward(&dy, &x, &scale, &rstd, Gradients { x: &mut [], scale: &mut alone });
            assert_eq!(alone, d_scale);
            let mut alone = vec![f32::NAN; size];
            forward(&x, &scale, EPSILON, &mut alone, &mut []);
            assert_eq!(alone, y);
        }
    }
}
