//! Rows picked and added up by index.

use std::ops::Range;

use crate::parallel::{for_each, for_each_chunk, items_per_task, Disjoint, TASK_WORK};
use crate::simd::LANES;
use crate::strided::dense_steps;

/// y[b, o, i, :] ← x[b, o, indices[b, i], :] for x (batch, outer, n, width) and indices (batch, picks).
///
/// # Panics
/// If an index is not in `0..n`.
pub fn gather<T: Copy + Send + Sync>([batch, outer, n, width]: [usize; 4], x: &[T], indices: &[i32], y: &mut [T]) {
    assert_eq!(batch * outer * n * width, x.len(), "x does not have {batch} · {outer} · {n} · {width} elements");
    let picks = indices.len() / batch.max(1);
    let rows = batch * outer * picks;
    assert_eq!((batch * picks, rows * width), (indices.len(), y.len()), "the lengths of indices and y");
    if y.is_empty() {
        return;
    }
    let size = items_per_task(rows, width);
    for_each_chunk(y, size * width, |task, y| {
        for (row, y) in (task * size..).zip(y.chunks_exact_mut(width)) {
            let (matrix, pick) = (row / picks, row % picks);
            let index = indices[matrix / outer * picks + pick];
            assert!(
                (0..n as i64).contains(&(index as i64)),
                "GatherV2: the index value {index} is not in [0, {}]",
                n as i64 - 1
            );
            let start = (matrix * n + index as usize) * width;
            y.copy_from_slice(&x[start..start + width]);
        }
    });
}

/// y[i] ← on where i mod depth = indices[i / depth], off elsewhere.
pub fn one_hot<T: Copy + Send + Sync>(depth: usize, on: T, off: T, indices: &[i32], y: &mut [T]) {
    assert_eq!(indices.len() * depth, y.len(), "{} indices of depth {depth}, but y has {}", indices.len(), y.len());
    if depth == 0 {
        return;
    }
    let size = items_per_task(indices.len(), depth);
    for_each_chunk(y, size * depth, |task, y| {
        y.fill(off);
        for (row, &index) in y.chunks_exact_mut(depth).zip(&indices[task * size..]) {
            if let Some(y) = usize::try_from(index).ok().and_then(|index| row.get_mut(index)) {
                *y = on;
            }
        }
    });
}

/// A number that rows can be added up in.
pub trait Summand: Copy + Default + Send + Sync {
    /// self + other; integers modulo 2³²
    fn plus(self, other: Self) -> Self;
}

impl Summand for f32 {
    fn plus(self, other: Self) -> Self {
        self + other
    }
}

impl Summand for i32 {
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
}

/// The most tasks that a scattered sum is cut into: each reads all ids.
const OWNERS: usize = 16;

/// y[s, :] ← Σ x[i, :] over the i with ids[i] = s, in their order; other ids than those of a row of y are left out.
pub fn segment_sum<T: Summand>(width: usize, x: &[T], ids: &[i32], y: &mut [T]) {
    assert_eq!(ids.len() * width, x.len(), "{} ids of rows of {width}, but x has {} elements", ids.len(), x.len());
    if y.is_empty() {
        return;
    }
    assert_eq!(y.len() % width, 0, "y has {} elements, which are no rows of {width}", y.len());
    // Each task owns some rows of y; where there are few rows, some columns of them.
    let rows = y.len() / width;
    let tasks = ((x.len() + y.len()) / TASK_WORK).clamp(1, OWNERS);
    let height = rows.div_ceil(tasks.min(rows));
    let strip = width.div_ceil(tasks / tasks.min(rows)).max(LANES);
    let strips = width.div_ceil(strip);
    let y = Disjoint::new(y);
    for_each(rows.div_ceil(height) * strips, |task| {
        let (row, column) = (task / strips * height, task % strips * strip);
        let columns = column..width.min(column + strip);
        sum_rows(row..rows.min(row + height), columns, width, x, ids, &y);
    });
}

/// Some columns of some rows of y.
fn sum_rows<T: Summand>(
    rows: Range<usize>,
    columns: Range<usize>,
    width: usize,
    x: &[T],
    ids: &[i32],
    y: &Disjoint<T>,
) {
    // SAFETY: each task has its own rows or its own columns of them.
    let y_row = |row: usize| unsafe { y.range(row * width + columns.start..row * width + columns.end) };
    for row in rows.clone() {
        y_row(row).fill(T::default());
    }
    for (i, &id) in ids.iter().enumerate() {
        if id >= 0 && rows.contains(&(id as usize)) {
            let x = &x[i * width..(i + 1) * width][columns.clone()];
            for (y, &x) in y_row(id as usize).iter_mut().zip(x) {
                *y = y.plus(x);
            }
        }
    }
}

/// y[indices[i, 0], indices[i, 1], …, :] ← Σ x[i, :] over equal indices, 0 elsewhere; `shape` are y's indexed axes.
///
/// # Panics
/// If an index is outside of its axis.
pub fn scatter_sum<T: Summand>(width: usize, shape: &[usize], x: &[T], indices: &[i32], y: &mut [T]) {
    let steps = dense_steps(shape);
    let position = |index: &[i32]| {
        let inside = index.iter().zip(shape).all(|(&i, &size)| i >= 0 && (i as usize) < size);
        assert!(inside, "Invalid indices: {index:?} does not index into {shape:?}");
        index.iter().zip(&steps).map(|(&i, step)| i as isize * step).sum::<isize>() as i32
    };
    let ids: Vec<i32> = indices.chunks_exact(shape.len().max(1)).map(position).collect();
    segment_sum(width, x, &ids, y);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::random;

    fn indices(size: usize, below: usize, seed: u32) -> Vec<i32> {
        random(size, seed, 1.0).iter().map(|x| ((x + 1.0) / 2.0 * below as f32) as i32 % below.max(1) as i32).collect()
    }

    #[test]
    fn gathers_rows() {
        for ([batch, outer, n, width], picks) in [
            ([1, 1, 7, 5], 3),
            ([1, 1, 7, 1], 0),
            ([0, 1, 7, 3], 0),
            ([2, 3, 7, 5], 4),
            ([3, 2, 1, 1], 9),
            ([1, 1, 50, 768], 300),
            ([1, 1, 10, 0], 4),
        ] {
            let x = random(batch * outer * n * width, 1, 1.0);
            let indices = indices(batch * picks, n, 2);
            let mut y = vec![9.0; batch * outer * picks * width];
            gather([batch, outer, n, width], &x, &indices, &mut y);
            for (to, &y) in y.iter().enumerate() {
                let (row, j) = (to / width, to % width);
                let (matrix, pick) = (row / picks, row % picks);
                let index = indices[matrix / outer * picks + pick] as usize;
                assert_eq!(y, x[(matrix * n + index) * width + j]);
            }
        }
    }

    #[test]
    #[should_panic(expected = "the index value -1 is not in [0, 2]")]
    fn refuses_an_index_outside() {
        gather([1, 1, 3, 1], &[1.0, 2.0, 3.0], &[0, -1], &mut [0.0; 2]);
    }

    #[test]
    fn one_hot_rows() {
        let mut y = [7; 12];
        one_hot(3, 5, -5, &[1, -1, 3, 2], &mut y);
        assert_eq!(y, [-5, 5, -5, -5, -5, -5, -5, -5, -5, -5, -5, 5]);
        one_hot(0, 1, 0, &[3], &mut []);
    }

    #[test]
    fn sums_segments() {
        for (ids, segments, width) in
            [(0, 3, 2), (5, 0, 2), (5, 3, 0), (9, 4, 1), (3000, 50, 67), (5000, 2, 100), (900, 5000, 3)]
        {
            let x = random(ids * width, 1, 1.0);
            let mut ids = indices(ids, segments, 2);
            ids.iter_mut().step_by(7).for_each(|id| *id = -1);
            ids.iter_mut().skip(3).step_by(11).for_each(|id| *id = segments as i32);
            let mut expected = vec![0.0; segments * width];
            for (i, &id) in ids.iter().enumerate().filter(|(_, &id)| id >= 0 && id < segments as i32) {
                (0..width).for_each(|j| expected[id as usize * width + j] += x[i * width + j]);
            }
            let mut y = vec![9.0; segments * width];
            segment_sum(width, &x, &ids, &mut y);
            assert_eq!(y, expected);
        }
    }

    #[test]
    fn scatters() {
        let mut y = [9; 12];
        scatter_sum(2, &[2, 3], &[1, 2, 3, 4, 5, 6], &[1, 1, 0, 2, 1, 1], &mut y);
        assert_eq!(y, [0, 0, 0, 0, 3, 4, 0, 0, 6, 8, 0, 0]);
        scatter_sum(12, &[], &[], &[], &mut y);
        assert_eq!(y, [0; 12]);
    }

    #[test]
    #[should_panic(expected = "Invalid indices: [0, 3]")]
    fn refuses_to_scatter_outside() {
        scatter_sum(1, &[2, 3], &[1.0], &[0, 3], &mut [0.0; 6]);
    }
}
