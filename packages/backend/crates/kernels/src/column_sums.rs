//! Sums over rows that do not depend on the number of threads: each block of rows has a sum of its own, and these are
//! added up in their order.

use std::cell::Cell;

use crate::parallel::{for_each, for_each_range, items_per_task, Disjoint};
use crate::vectorized;

/// About how many numbers a block of rows has.
const BLOCK_NUMBERS: usize = 1 << 14;

/// How many rows of this width make a block. At least 16: a block's sums are written and read once more.
fn rows_per_block(width: usize) -> usize {
    (BLOCK_NUMBERS / width.max(1)).max(16)
}

/// Runs `block(first row, end row, sums)` for each block of rows, on all threads, where each of the `sums` begins as
/// `width` zeros. Then writes the sums of all blocks to the totals; an empty one is not wanted.
pub fn sum_blocks<const N: usize>(
    rows: usize,
    width: usize,
    totals: [&mut [f32]; N],
    block: impl Fn(usize, usize, [&mut [f32]; N]) + Sync,
) {
    thread_local! {
        static PARTS: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
    }
    let size = rows_per_block(width);
    let blocks = rows.div_ceil(size);
    let columns = N * width;
    // Taken out and put back: a panic loses the memory and nothing else.
    let mut memory = PARTS.take();
    if memory.len() < blocks * columns {
        memory.resize(blocks * columns, 0.0);
    }
    let parts = &mut memory[..blocks * columns];
    let shared = Disjoint::new(parts);
    for_each(blocks, |b| {
        let first = b * columns;
        // SAFETY: each block has its own parts.
        let sums = std::array::from_fn(|i| unsafe { shared.range(first + i * width..first + (i + 1) * width) });
        let sums = sums.map(|sums: &mut [f32]| {
            sums.fill(0.0);
            sums
        });
        block(b * size, rows.min((b + 1) * size), sums);
    });
    for (i, total) in totals.into_iter().enumerate() {
        add_up(parts, columns, i * width, total);
    }
    PARTS.set(memory);
}

/// total ← Σ over blocks of their columns from `first` on.
fn add_up(parts: &[f32], columns: usize, first: usize, total: &mut [f32]) {
    let blocks = parts.len().checked_div(columns).unwrap_or(0);
    let len = total.len();
    let total = Disjoint::new(total);
    for_each_range(len, items_per_task(len, blocks), |range| {
        // SAFETY: tasks have different ranges.
        let total = unsafe { total.range(range.clone()) };
        total.fill(0.0);
        for part in parts.chunks_exact(columns) {
            add(&part[first + range.start..first + range.end], total);
        }
    });
}

vectorized! {
    /// total ← total + x
    pub fn add(x: &[f32], total: &mut [f32]) {
        for (total, x) in total.iter_mut().zip(x) {
            *total += x;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::serially;
    use crate::test_support::{assert_close, random};

    fn column_sums(x: &[f32], width: usize) -> Vec<f32> {
        let (mut sums, mut doubled) = (vec![f32::NAN; width], vec![f32::NAN; width]);
        sum_blocks(x.len() / width, width, [&mut sums, &mut [], &mut doubled], |start, end, [sums, _, doubled]| {
            for row in x[start * width..end * width].chunks_exact(width) {
                add(row, sums);
                add(row, doubled);
                add(row, doubled);
            }
        });
        sums.extend(doubled);
        sums
    }

    #[test]
    fn sums_of_all_rows_whatever_the_threads() {
        for (rows, width) in [(0, 3), (1, 1), (16, 5000), (17, 5000), (3000, 40)] {
            let x = random(rows * width, 1, 1.0);
            let sums = column_sums(&x, width);
            let exact = |c: usize| (0..rows).map(|row| x[row * width + c] as f64).sum::<f64>();
            assert_close(&sums, |c| if c < width { exact(c) } else { 2.0 * exact(c - width) }, 5e-5);
            assert_eq!(serially(|| column_sums(&x, width)), sums);
        }
    }
}
