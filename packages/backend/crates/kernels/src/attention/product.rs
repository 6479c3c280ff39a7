//! Products of tiles that lie in the caches. They are multiplied where they are: copying them into another layout first,
//! as a general product does, would take as long as the multiplication.

use crate::microkernel::{Microkernel, Operand};

/// Widths of tiles are multiples of this: the most lanes that a register has.
pub const WIDTH: usize = 16;

/// A matrix to read, whose element (i, k) is `data[i · row + k · column]`.
#[derive(Clone, Copy)]
pub struct Strided<'a> {
    data: &'a [f32],
    row: usize,
    column: usize,
}

impl<'a> Strided<'a> {
    /// Rows that begin `stride` apart.
    pub fn rows(data: &'a [f32], stride: usize) -> Self {
        Self { data, row: stride, column: 1 }
    }

    /// Rows and columns exchanged.
    pub fn transposed(self) -> Self {
        Self { row: self.column, column: self.row, ..self }
    }

    /// All rows but the first `count`.
    pub fn skip_rows(self, count: usize) -> Self {
        Self { data: &self.data[count * self.row..], ..self }
    }

    /// All columns but the first `count`.
    pub fn skip_columns(self, count: usize) -> Self {
        Self { data: &self.data[count * self.column..], ..self }
    }

    fn holds(&self, rows: usize, columns: usize) -> bool {
        self.data.len() > (rows - 1) * self.row + (columns - 1) * self.column
    }
}

/// C ← A · B, or C + A · B if `add`, for A (m, depth), B (depth, n) and C (m, n), whose rows begin `c_stride` apart. The
/// numbers in a row of B are neighbours, and n is a multiple of [`WIDTH`].
pub fn product(
    c: &mut [f32],
    c_stride: usize,
    (m, n, depth): (usize, usize, usize),
    a: Strided,
    b: Strided,
    add: bool,
) {
    assert!(m > 0 && n > 0 && depth > 0, "a tile is empty");
    assert!(n.is_multiple_of(WIDTH) && c.len() >= (m - 1) * c_stride + n, "C is not {m} × {n}");
    assert!(a.holds(m, depth), "A is not {m} × {depth}");
    assert!(b.column == 1 && b.holds(depth, n), "B is not {depth} × {n}");
    let kernel = Microkernel::best();
    for j in (0..n).step_by(kernel.width) {
        let columns = kernel.width.min(n - j);
        let b = Operand { start: b.data[j..].as_ptr(), along_k: b.row, along_rows: 1 };
        for i in (0..m).step_by(kernel.rows) {
            let rows = kernel.rows.min(m - i);
            let a = Operand { start: a.data[i * a.row..].as_ptr(), along_k: a.column, along_rows: a.row };
            let c = c[i * c_stride + j..].as_mut_ptr();
            // SAFETY: rows below m and columns below n lie in all three, and n is a number of whole registers.
            unsafe { kernel.run(rows, columns, depth, c, c_stride, &a, &b, add) };
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
        for (m, n, depth) in [(1, 16, 1), (3, 16, 5), (8, 32, 7), (9, 48, 33), (32, 64, 64), (13, 80, 2)] {
            for (row, column) in [(depth + 3, 1), (1, m + 2)] {
                let a = numbers(m * depth + (m + depth) * 4 + 16, 0.3);
                let a = Strided { data: &a, row, column };
                let b = numbers(depth * n, 0.7);
                for add in [false, true] {
                    let c_stride = n + 5;
                    let before = if add { numbers(m * c_stride, 0.1) } else { vec![f32::NAN; m * c_stride] };
                    let mut c = before.clone();
                    product(&mut c, c_stride, (m, n, depth), a, Strided::rows(&b, n), add);
                    for (index, &c) in c.iter().enumerate() {
                        let (i, j) = (index / c_stride, index % c_stride);
                        let term = |k: usize| a.data[i * row + k * column] as f64 * b[k * n + j] as f64;
                        if j >= n {
                            assert_eq!(c.to_bits(), before[index].to_bits(), "what lies between rows stays");
                            continue;
                        }
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
