//! Products of tiles that lie in the caches.
//!
//! Written with registers by name: four times as fast as what the compiler makes of arrays, and twice as fast as a
//! general matrix product, which copies both factors into a layout of its own.

use crate::registers::{Baseline, Register};

/// Widths of tiles are multiples of this: the most lanes that a register has.
pub const WIDTH: usize = 16;

/// A matrix whose element (i, k) is `data[i · row + k · column]`.
#[derive(Clone, Copy)]
pub struct Strided<'a> {
    pub data: &'a [f32],
    pub row: usize,
    pub column: usize,
}

/// C ← A · B, or C + A · B if `add`, for C (m, n), A (m, depth) and B (depth, n), where n is a multiple of [`WIDTH`],
/// rows of C follow each other without a gap, and rows of B are `stride` apart.
pub fn product(
    c: &mut [f32],
    (m, n, depth): (usize, usize, usize),
    a: Strided,
    (b, stride): (&[f32], usize),
    add: bool,
) {
    if m == 0 || n == 0 {
        return;
    }
    assert!(
        n % WIDTH == 0 && c.len() >= m * n && (depth == 0 || b.len() >= (depth - 1) * stride + n),
        "tiles do not fit a product"
    );
    assert!(depth == 0 || a.data.len() > (m - 1) * a.row + (depth - 1) * a.column, "the first factor is too short");
    let tiles = Tiles {
        c: c.as_mut_ptr(),
        a: a.data.as_ptr(),
        strides: (a.row, a.column),
        b: b.as_ptr(),
        stride,
        n,
        depth,
        add,
    };
    // SAFETY: the lengths were just seen, and `level` knows the instructions.
    unsafe {
        match crate::simd::level() {
            #[cfg(target_arch = "x86_64")]
            crate::simd::Level::Avx512 => avx512(tiles, m),
            #[cfg(target_arch = "x86_64")]
            crate::simd::Level::Avx2 => avx2(tiles, m),
            _ => tiles.product::<Baseline, 4>(m),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512(tiles: Tiles, m: usize) {
    // SAFETY: the caller's promise.
    unsafe { tiles.product::<crate::registers::Avx512, 8>(m) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(tiles: Tiles, m: usize) {
    // SAFETY: the caller's promise.
    unsafe { tiles.product::<crate::registers::Avx2, 4>(m) }
}

#[derive(Clone, Copy)]
struct Tiles {
    c: *mut f32,
    a: *const f32,
    strides: (usize, usize),
    b: *const f32,
    stride: usize,
    n: usize,
    depth: usize,
    add: bool,
}

impl Tiles {
    /// Cuts C into blocks of `ROWS` rows and two registers, each of which is summed up without leaving them.
    #[inline(always)]
    unsafe fn product<R: Register, const ROWS: usize>(self, m: usize) {
        for j in (0..self.n).step_by(2 * R::LANES) {
            // SAFETY: rows below m and columns below n lie in all three matrices.
            unsafe {
                if j + 2 * R::LANES <= self.n {
                    self.columns::<R, ROWS, 2>(m, j);
                } else {
                    self.columns::<R, ROWS, 1>(m, j);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn columns<R: Register, const ROWS: usize, const WIDE: usize>(self, m: usize, j: usize) {
        let whole = m / ROWS * ROWS;
        // SAFETY: as above.
        unsafe {
            for i in (0..whole).step_by(ROWS) {
                self.block::<R, ROWS, WIDE>(i, j);
            }
            for i in whole..m {
                self.block::<R, 1, WIDE>(i, j);
            }
        }
    }

    #[inline(always)]
    unsafe fn block<R: Register, const ROWS: usize, const WIDE: usize>(self, i: usize, j: usize) {
        let (row, column) = self.strides;
        // SAFETY: as above.
        unsafe {
            let (mut a, mut b) = (self.a.add(i * row), self.b.add(j));
            let mut sums = [[R::splat(0.0); WIDE]; ROWS];
            for _ in 0..self.depth {
                let across: [R; WIDE] = std::array::from_fn(|w| R::load(b.add(w * R::LANES)));
                for (r, sums) in sums.iter_mut().enumerate() {
                    let down = R::splat(*a.add(r * row));
                    for (sum, across) in sums.iter_mut().zip(across) {
                        *sum = sum.add_product(down, across);
                    }
                }
                a = a.wrapping_add(column);
                b = b.wrapping_add(self.stride);
            }
            for (r, sums) in sums.into_iter().enumerate() {
                for (w, sum) in sums.into_iter().enumerate() {
                    let c = self.c.add((i + r) * self.n + j + w * R::LANES);
                    let sum = if self.add { R::load(c).add(sum) } else { sum };
                    sum.store(c);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, phase: f32) -> Vec<f32> {
        (0..count).map(|i| (1.7 * i as f32 + phase).sin()).collect()
    }

    #[test]
    fn equals_the_plain_product() {
        for (m, n, depth) in [(1, 16, 1), (3, 16, 5), (8, 32, 7), (9, 48, 33), (32, 64, 64), (13, 80, 0), (0, 16, 4)] {
            for (row, column) in [(depth + 3, 1), (1, m + 2)] {
                let a = numbers(m.max(1) * depth.max(1) + (m + depth) * 4 + 16, 0.3);
                let a = Strided { data: &a, row, column };
                let b = numbers(depth * n, 0.7);
                for add in [false, true] {
                    let before = numbers(m * n, 0.1);
                    let mut c = before.clone();
                    product(&mut c, (m, n, depth), a, (&b, n), add);
                    for (index, &c) in c.iter().enumerate() {
                        let (i, j) = (index / n, index % n);
                        let term = |k: usize| a.data[i * row + k * column] as f64 * b[k * n + j] as f64;
                        let start = if add { before[index] as f64 } else { 0.0 };
                        let expected = start + (0..depth).map(term).sum::<f64>();
                        assert!(
                            (c as f64 - expected).abs() < 1e-5,
                            "{m}×{n}×{depth} at ({i}, {j}): {c}, not {expected}"
                        );
                    }
                }
            }
        }
    }
}
