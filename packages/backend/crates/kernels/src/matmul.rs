//! Matrix products in all transpositions, batched.
//!
//! The innermost loop is that of the `gemm` crate. Packing, cutting into tiles and threads are ours, because the crate
//! packs transposed matrices number by number and has threads of its own.

use crate::matvec;
use crate::parallel::{self, Disjoint};
use crate::tiles::{Product, Rows, Tiles};

/// A matrix to read: row-major, or the transpose of a row-major one.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    /// Its elements, row by row as they are stored.
    pub(crate) data: &'a [f32],
    /// How many rows are stored.
    pub(crate) stored_rows: usize,
    /// How many columns are stored: the distance of two rows.
    pub(crate) stored_columns: usize,
    /// Whether the matrix is the transpose of what is stored.
    pub(crate) transposed: bool,
}

impl<'a> Matrix<'a> {
    /// The matrix (rows, columns) with these elements.
    pub fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns, "a matrix of {rows} × {columns} has another number of elements");
        Self { data, stored_rows: rows, stored_columns: columns, transposed: false }
    }

    /// The same numbers with rows and columns exchanged.
    pub fn transposed(self) -> Self {
        Self { transposed: !self.transposed, ..self }
    }

    /// The transpose if `transpose`, else the matrix itself.
    fn transposed_if(self, transpose: bool) -> Self {
        Self { transposed: self.transposed != transpose, ..self }
    }

    /// (rows, columns)
    pub(crate) fn shape(&self) -> (usize, usize) {
        let stored = (self.stored_rows, self.stored_columns);
        if self.transposed {
            (stored.1, stored.0)
        } else {
            stored
        }
    }
}

/// C ← A · B, or C + A · B if `accumulate`: (M, N) from (M, K) and (K, N).
pub fn multiply(c: &mut [f32], a: Matrix, b: Matrix, accumulate: bool) {
    multiply_then(c, a, b, accumulate, |_, _| {});
}

/// As [`multiply`], and `then(first column, rows)` may change each part of a few finished rows while it is in the cache.
pub fn multiply_then(c: &mut [f32], a: Matrix, b: Matrix, accumulate: bool, then: impl Fn(usize, Rows) + Sync) {
    let ((m, k), (inner, n)) = (a.shape(), b.shape());
    assert_eq!(k, inner, "A has {k} columns, but B {inner} rows");
    assert_eq!(c.len(), m * n, "C is not {m} × {n}");
    if m <= matvec::MAX_ROWS && !a.transposed && !accumulate {
        matvec::multiply(c, a.data, b.into(), m);
        return then(0, Rows::all(&Disjoint::new(c), m, &(0..n)));
    }
    multiply_tiles(&Product { c: &Disjoint::new(c), place: (0, n), a, b, k, accumulate }, then);
}

/// Columns of C from `first` on ← A · B, as many as B has.
pub(crate) fn multiply_columns(c: &Disjoint<f32>, first: usize, stride: usize, a: Matrix, b: Matrix) {
    let product = Product { c, place: (first, stride), a, b, k: a.shape().1, accumulate: false };
    multiply_tiles(&product, |_, _| {});
}

fn multiply_tiles(product: &Product, then: impl Fn(usize, Rows) + Sync) {
    let Product { a, b, k, .. } = *product;
    let tiles = Tiles::new(a.shape().0, b.shape().1, k, a.transposed);
    parallel::for_each(tiles.count(), |index| {
        let next = index + parallel::threads();
        let next = (next < tiles.count()).then(|| tiles.tile(next));
        product.compute(&tiles.tile(index), next.as_ref(), &then)
    });
}

/// What the products of a batch have in common: each is A (M, K) · B (K, N), and how A and B are stored.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Rows of A and C.
    pub m: usize,
    /// Columns of A, rows of B.
    pub k: usize,
    /// Columns of B and C.
    pub n: usize,
    /// Whether A is stored as (K, M).
    pub transpose_a: bool,
    /// Whether B is stored as (N, K).
    pub transpose_b: bool,
}

/// The axes before the last two: their sizes, and how many matrices further an operand goes along each, 0 where it is
/// broadcast.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The axes' sizes.
    pub sizes: &'a [usize],
    /// Steps of A.
    pub a_strides: &'a [usize],
    /// Steps of B.
    pub b_strides: &'a [usize],
}

impl Batch<'_> {
    /// Which matrix an operand with these strides has at `index`.
    fn position(&self, strides: &[usize], mut index: usize) -> usize {
        let axes = self.sizes.iter().zip(strides).rev();
        axes.fold(0, |position, (size, stride)| {
            let coordinate = index % size;
            index /= size;
            position + coordinate * stride
        })
    }
}

/// C[i] ← A[i] · B[i] for each i of the batch; C is (…, M, N).
pub fn multiply_batch(c: &mut [f32], a: &[f32], b: &[f32], shape: Shape, batch: Batch) {
    let Shape { m, k, n, .. } = shape;
    let count = batch.sizes.iter().product::<usize>();
    assert_eq!(c.len(), count * m * n, "C is not {count} × {m} × {n}");
    let operands = |index: usize| {
        let (i, j) = (batch.position(batch.a_strides, index), batch.position(batch.b_strides, index));
        let (a, b) = (&a[i * m * k..(i + 1) * m * k], &b[j * k * n..(j + 1) * k * n]);
        let a = if shape.transpose_a { Matrix::new(a, k, m) } else { Matrix::new(a, m, k) };
        let b = if shape.transpose_b { Matrix::new(b, n, k) } else { Matrix::new(b, k, n) };
        (a.transposed_if(shape.transpose_a), b.transposed_if(shape.transpose_b))
    };
    // A product that is worth several tasks has all threads to itself; small ones are tasks together.
    if count == 1 || Tiles::new(m, n, k, shape.transpose_a).count() > 1 {
        for (index, c) in c.chunks_exact_mut((m * n).max(1)).enumerate() {
            let (a, b) = operands(index);
            multiply(c, a, b, false);
        }
    } else {
        let products = parallel::items_per_task(count, m * n * k / PRODUCTS_PER_OPERATION);
        let c = Disjoint::new(c);
        parallel::for_each_range(count, products, |range| {
            // SAFETY: tasks have different products.
            let c = unsafe { c.range(range.start * m * n..range.end * m * n) };
            for (index, c) in range.zip(c.chunks_exact_mut((m * n).max(1))) {
                let (a, b) = operands(index);
                multiply(c, a, b, false);
            }
        });
    }
}

/// How many multiplications take as long as one simple operation of [`parallel::items_per_task`].
const PRODUCTS_PER_OPERATION: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::serially;
    use crate::test_support::{assert_close, random};

    /// Around the sides of the microkernel, the depth of a pass, and the sides of a tile.
    const SHAPES: [(usize, usize, usize); 16] = [
        (0, 3, 2),
        (3, 0, 2),
        (9, 0, 2),
        (3, 2, 0),
        (1, 1, 1),
        (1, 40, 70),
        (8, 100, 33),
        (9, 5, 65),
        (13, 17, 64),
        (48, 16, 1),
        (50, 600, 63),
        (65, 513, 130),
        (70, 33, 300),
        (193, 384, 257),
        (530, 40, 96),
        (800, 770, 50),
    ];

    fn stored(m: &Matrix) -> (usize, usize) {
        (m.stored_rows, m.stored_columns)
    }

    fn at(matrix: &Matrix, row: usize, column: usize) -> f64 {
        let (row, column) = if matrix.transposed { (column, row) } else { (row, column) };
        matrix.data[row * stored(matrix).1 + column] as f64
    }

    fn exact(a: &Matrix, b: &Matrix, i: usize) -> f64 {
        let ((_, k), (_, n)) = (a.shape(), b.shape());
        (0..k).map(|l| at(a, i / n, l) * at(b, l, i % n)).sum()
    }

    fn operand(data: &[f32], rows: usize, columns: usize, transpose: bool) -> Matrix<'_> {
        if transpose {
            Matrix::new(data, columns, rows).transposed()
        } else {
            Matrix::new(data, rows, columns)
        }
    }

    #[test]
    fn products_of_all_transpositions_are_exact() {
        for (m, k, n) in SHAPES {
            let (a, b) = (random(m * k, 1, 1.0), random(k * n, 2, 1.0));
            for (transpose_a, transpose_b) in [(false, false), (false, true), (true, false), (true, true)] {
                let (a, b) = (operand(&a, m, k, transpose_a), operand(&b, k, n, transpose_b));
                let mut c = vec![f32::NAN; m * n];
                multiply(&mut c, a, b, false);
                assert_close(&c, |i| exact(&a, &b, i), 2e-5);

                let alone = serially(|| {
                    let mut c = vec![f32::NAN; m * n];
                    multiply(&mut c, a, b, false);
                    c
                });
                assert_eq!(c, alone, "{m} × {k} × {n} depends on the threads");

                multiply(&mut c, a, b, true);
                assert_close(&c, |i| 2.0 * exact(&a, &b, i), 4e-5);
            }
        }
    }

    #[test]
    fn what_follows_sees_each_element_once() {
        for (m, k, n) in SHAPES {
            let (a, b) = (random(m * k, 1, 1.0), random(k * n, 2, 1.0));
            let (a, b) = (Matrix::new(&a, m, k), Matrix::new(&b, k, n));
            let mut c = vec![f32::NAN; m * n];
            multiply_then(&mut c, a, b, false, |first, rows| {
                for row in rows {
                    row.iter_mut().enumerate().for_each(|(i, x)| *x += (first + i) as f32);
                }
            });
            assert_close(&c, |i| exact(&a, &b, i) + (i % n) as f64, 2e-5);
        }
    }

    #[test]
    fn nan_and_infinity_reach_their_rows_alone() {
        let (m, k, n) = (20, 30, 70);
        let mut a = vec![1.0; m * k];
        (a[3 * k + 7], a[11 * k]) = (f32::NAN, f32::INFINITY);
        let mut c = vec![0.0; m * n];
        let ones = vec![1.0; k * n];
        multiply(&mut c, Matrix::new(&a, m, k), Matrix::new(&ones, k, n), false);
        for (row, c) in c.chunks(n).enumerate() {
            match row {
                3 => assert!(c.iter().all(|x| x.is_nan())),
                11 => assert!(c.iter().all(|&x| x == f32::INFINITY)),
                _ => assert!(c.iter().all(|&x| x == k as f32)),
            }
        }
    }

    #[test]
    fn batches_are_broadcast() {
        let sizes = [3, 2, 4];
        for (m, k, n) in [(1, 5, 3), (9, 7, 33), (40, 64, 40), (700, 300, 130)] {
            for (transpose_a, transpose_b) in [(false, false), (true, false), (false, true)] {
                let shape = Shape { m, k, n, transpose_a, transpose_b };
                // A (3, 1, 4, …), B (2, 1, …).
                let (a, b) = (random(12 * m * k, 1, 1.0), random(2 * k * n, 2, 1.0));
                let batch = Batch { sizes: &sizes, a_strides: &[4, 0, 1], b_strides: &[0, 1, 0] };
                let mut c = vec![f32::NAN; 24 * m * n];
                multiply_batch(&mut c, &a, &b, shape, batch);
                for (index, c) in c.chunks(m * n).enumerate().step_by(7) {
                    let (i, j) = (index / 8 * 4 + index % 4, index / 4 % 2);
                    let a = operand(&a[i * m * k..(i + 1) * m * k], m, k, transpose_a);
                    let b = operand(&b[j * k * n..(j + 1) * k * n], k, n, transpose_b);
                    assert_close(c, |i| exact(&a, &b, i), 2e-5);
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "A has 2 columns, but B 3 rows")]
    fn sizes_that_do_not_fit_are_refused() {
        multiply(&mut [0.0; 4], Matrix::new(&[0.0; 4], 2, 2), Matrix::new(&[0.0; 6], 3, 2), false);
    }
}
