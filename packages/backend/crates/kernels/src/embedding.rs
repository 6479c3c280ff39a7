//! Rows of a table by their numbers, and the gradient of the table.

use crate::column_sums::add;
use crate::parallel::{for_each_chunk, for_each_range, items_per_task, Disjoint};

/// Tasks of the gradient at most, and columns of one at least: pieces of rows that are too short load slowly.
const TASKS: usize = 16;
const COLUMNS: usize = 32;

/// y ← table[ids]: (N, C) from ids (N) and table (V, C).
///
/// # Panics
/// If an id is not in [0, V).
pub fn forward(ids: &[i32], table: &[f32], width: usize, y: &mut [f32]) {
    assert_eq!(y.len(), ids.len() * width, "an embedding has a row of the table for each id");
    require_ids(ids, table.len().checked_div(width).unwrap_or(usize::MAX));
    let rows = items_per_task(ids.len(), width);
    for_each_chunk(y, rows * width, |task, y| {
        for (y, id) in y.chunks_exact_mut(width).zip(&ids[task * rows..]) {
            let row = *id as usize * width;
            y.copy_from_slice(&table[row..row + width]);
        }
    });
}

/// dtable[v] ← Σ dy[n] over the n with ids[n] = v: (V, C) from dy (N, C). Each sum is taken in the order of n.
///
/// # Panics
/// If an id is not in [0, V).
pub fn backward(ids: &[i32], dy: &[f32], width: usize, d_table: &mut [f32]) {
    let size = items_per_task(d_table.len(), 1);
    for_each_chunk(d_table, size, |_, zeros| zeros.fill(0.0));
    accumulate(ids, dy, width, d_table);
}

/// dtable[v] ← dtable[v] + Σ dy[n] over the n with ids[n] = v, in the order of n: what [`backward`] adds to zeros.
///
/// # Panics
/// If an id is not in [0, V).
pub fn accumulate(ids: &[i32], dy: &[f32], width: usize, d_table: &mut [f32]) {
    assert_eq!(dy.len(), ids.len() * width, "an embedding's gradient has a row for each id");
    require_ids(ids, d_table.len().checked_div(width).unwrap_or(usize::MAX));
    let d_table = Disjoint::new(d_table);
    for_each_range(width, width.div_ceil(TASKS).next_multiple_of(COLUMNS), |columns| {
        for (dy, id) in dy.chunks_exact(width).zip(ids) {
            let row = *id as usize * width;
            // SAFETY: tasks have different columns.
            add(&dy[columns.clone()], unsafe { d_table.range(row + columns.start..row + columns.end) });
        }
    });
}

fn require_ids(ids: &[i32], vocab_size: usize) {
    let outside = ids.iter().position(|&id| id < 0 || id as usize >= vocab_size);
    if let Some(n) = outside {
        panic!("the embedding has no id {} (at position {n}): its table has {vocab_size} rows", ids[n]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{assert_close, random};

    const SHAPES: [(usize, usize, usize); 7] =
        [(0, 3, 4), (5, 3, 0), (1, 1, 1), (9, 4, 33), (700, 7, 50), (20, 5000, 16), (2000, 65, 384)];

    fn ids(rows: usize, vocab_size: usize) -> Vec<i32> {
        random(rows, 9, 0.5).iter().map(|x| ((x + 0.5) * vocab_size as f32) as i32 % vocab_size as i32).collect()
    }

    #[test]
    fn forward_copies_rows() {
        for (rows, vocab_size, width) in SHAPES {
            let (ids, table) = (ids(rows, vocab_size), random(vocab_size * width, 1, 1.0));
            let mut y = vec![f32::NAN; rows * width];
            forward(&ids, &table, width, &mut y);
            assert!(y.iter().enumerate().all(|(i, y)| *y == table[ids[i / width] as usize * width + i % width]));
        }
    }

    #[test]
    fn backward_adds_up_the_rows_of_an_id() {
        for (rows, vocab_size, width) in SHAPES {
            let (ids, dy) = (ids(rows, vocab_size), random(rows * width, 1, 1.0));
            let mut d_table = vec![f32::NAN; vocab_size * width];
            backward(&ids, &dy, width, &mut d_table);
            let mut exact = vec![0.0; vocab_size * width];
            for (i, dy) in dy.iter().enumerate() {
                exact[ids[i / width] as usize * width + i % width] += *dy as f64;
            }
            assert_close(&d_table, |i| exact[i], 1e-5);
        }
    }

    #[test]
    fn a_gradient_may_be_added_to_one_that_is_there() {
        let (ids, dy, width) = ([2, 0, 2], random(9, 1, 1.0), 3);
        let before = random(4 * width, 2, 1.0);
        let mut d_table = before.clone();
        accumulate(&ids, &dy, width, &mut d_table);
        let mut alone = vec![f32::NAN; before.len()];
        backward(&ids, &dy, width, &mut alone);
        assert_close(&d_table, |i| (before[i] + alone[i]) as f64, 1e-6);
    }

    #[test]
    #[should_panic(expected = "the embedding has no id 3 (at position 1): its table has 3 rows")]
    fn an_id_beyond_the_table_is_refused() {
        forward(&[0, 3], &[0.0; 6], 2, &mut [0.0; 4]);
    }

    #[test]
    #[should_panic(expected = "the embedding has no id -1 (at position 0): its table has 3 rows")]
    fn a_negative_id_is_refused() {
        backward(&[-1], &[0.0; 2], 2, &mut [0.0; 6]);
    }
}
