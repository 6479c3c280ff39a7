//! Sums, products, extremes and their positions along one axis of x (outer, n, inner) → y (outer, inner).
//!
//! Rows are summed in 64 lanes and long axes in parts, so errors grow far slower than in a running sum, and the order
//! depends on the sizes alone.

use crate::parallel::{for_each_chunk, for_each_range, items_per_task, Disjoint, TASK_WORK};
use crate::simd::LANES;
use crate::vectorized;

/// The sizes before, along and after the axis.
pub type Sizes = [usize; 3];

/// How many columns a task takes at once: their results stay in the nearest cache.
const COLUMNS: usize = 1024;
/// Running results of one row.
const WIDTH: usize = 64;
/// How many elements make a part of the axis: few enough for each running result to stay accurate.
const PART: usize = 64 * WIDTH;

macro_rules! reduction {
    ($($(#[$doc:meta])+ $name:ident: $type:ty, $identity:expr, |$a:ident, $b:ident| $value:expr;)*) => {$(
        $(#[$doc])+
        pub fn $name(sizes: Sizes, x: &[$type], y: &mut [$type]) {
            vectorized! {
                fn kernel(x: &[$type], inner: usize, y: &mut [$type]) {
                    fold(x, inner, y, $identity, |$a, $b| $value)
                }
            }
            check(sizes, x.len(), y.len());
            reduce(sizes, x, y, $identity, kernel);
        }
    )*};
}

macro_rules! arg_reduction {
    ($($(#[$doc:meta])+ $name:ident: $type:ty, |$a:ident, $b:ident| $better:expr;)*) => {$(
        $(#[$doc])+
        pub fn $name(sizes: Sizes, x: &[$type], y: &mut [i32]) {
            vectorized! {
                fn first_of_row(x: &[$type]) -> usize {
                    let best = fold_row(x, x[0], |$b, $a| if $better { $a } else { $b });
                    // If the first is NaN nothing is better, nor is anything equal to it.
                    x.iter().position(|&x| x == best).unwrap_or(0)
                }
            }
            arg_first(sizes, x, y, |$a, $b| $better, first_of_row);
        }
    )*};
}

/// float32
pub mod float {
    use super::*;

    reduction! {
        /// Σ x, 0 of nothing
        sum: f32, 0.0, |a, b| a + b;
        /// Π x, 1 of nothing
        product: f32, 1.0, |a, b| a * b;
        /// max x, −∞ of nothing; NaN if one is
        max: f32, f32::NEG_INFINITY, |a, b| if b > a || b.is_nan() { b } else { a };
        /// min x, ∞ of nothing; NaN if one is
        min: f32, f32::INFINITY, |a, b| if b < a || b.is_nan() { b } else { a };
    }

    /// Σ x / n
    pub fn mean(sizes: Sizes, x: &[f32], y: &mut [f32]) {
        sum(sizes, x, y);
        let n = sizes[1] as f32;
        for_each_chunk(y, TASK_WORK, |_, y| y.iter_mut().for_each(|y| *y /= n));
    }

    arg_reduction! {
        /// The position of the first of the greatest, NaN left out unless it comes first
        arg_max: f32, |a, b| a > b;
        /// The position of the first of the least, NaN left out unless it comes first
        arg_min: f32, |a, b| a < b;
    }
}

/// int32
pub mod int {
    use super::*;

    reduction! {
        /// Σ x modulo 2³²
        sum: i32, 0, |a, b| a.wrapping_add(b);
        /// max x, the least int32 of nothing
        max: i32, i32::MIN, |a, b| a.max(b);
        /// min x, the greatest int32 of nothing
        min: i32, i32::MAX, |a, b| a.min(b);
    }

    arg_reduction! {
        /// The position of the first of the greatest
        arg_max: i32, |a, b| a > b;
        /// The position of the first of the least
        arg_min: i32, |a, b| a < b;
    }
}

/// bool
pub mod boolean {
    use super::*;

    reduction! {
        /// Whether all are true
        all: u8, 1, |a, b| a.min(b);
        /// Whether one is true
        any: u8, 0, |a, b| a.max(b);
    }
}

fn check(sizes: Sizes, x: usize, y: usize) {
    let [outer, n, inner] = sizes;
    assert_eq!((outer * n * inner, outer * inner), (x, y), "x and y are not of the sizes {sizes:?}");
}

/// Reduces parts of the axis, then the parts' results.
fn reduce<T: Copy + Send + Sync>(
    [outer, n, inner]: Sizes,
    x: &[T],
    y: &mut [T],
    identity: T,
    fold: fn(&[T], usize, &mut [T]),
) {
    if x.is_empty() {
        return y.fill(identity);
    }
    let width = inner.min(COLUMNS);
    let part = (PART / width).max(32);
    let parts = n.div_ceil(part);
    if parts > 1 {
        let mut results = vec![identity; outer * parts * inner];
        reduce_parts([outer, n, inner], part, x, &mut results, fold);
        reduce([outer, parts, inner], &results, y, identity, fold);
    } else {
        reduce_parts([outer, n, inner], part, x, y, fold);
    }
}

/// y (outer, parts, inner): each part of the axis reduced.
fn reduce_parts<T: Copy + Send + Sync>(
    [outer, n, inner]: Sizes,
    part: usize,
    x: &[T],
    y: &mut [T],
    fold: fn(&[T], usize, &mut [T]),
) {
    let (parts, strips) = (n.div_ceil(part), inner.div_ceil(COLUMNS));
    let units = outer * parts * strips;
    let y = Disjoint::new(y);
    for_each_range(units, items_per_task(units, part.min(n) * inner.min(COLUMNS)), |range| {
        for unit in range {
            let (row, column) = (unit / strips, unit % strips * COLUMNS);
            let (index, first) = (row / parts, row % parts * part);
            let rows = part.min(n - first);
            let start = (index * n + first) * inner;
            let width = COLUMNS.min(inner - column);
            let to = row * inner + column;
            // SAFETY: a unit writes its own row and strip of y.
            let y = unsafe { y.range(to..to + width) };
            fold(&x[start + column..start + (rows - 1) * inner + column + width], inner, y);
        }
    });
}

/// y[j] ← op over the rows of x, which are `inner` apart.
#[inline(always)]
fn fold<T: Copy>(x: &[T], inner: usize, y: &mut [T], identity: T, op: impl Fn(T, T) -> T + Copy) {
    if inner == 1 {
        y[0] = fold_row(x, identity, op);
    } else if inner <= WIDTH / 2 {
        fold_narrow(x, inner, y, identity, op);
    } else {
        fold_wide(x, inner, y, identity, op);
    }
}

#[inline(always)]
fn fold_row<T: Copy>(x: &[T], identity: T, op: impl Fn(T, T) -> T + Copy) -> T {
    if x.len() < 4 * LANES {
        fold_lanes::<T, LANES>(x, identity, op)
    } else {
        fold_lanes::<T, WIDTH>(x, identity, op)
    }
}

#[inline(always)]
fn fold_lanes<T: Copy, const N: usize>(x: &[T], identity: T, op: impl Fn(T, T) -> T + Copy) -> T {
    let mut lanes = [identity; N];
    let chunks = x.chunks_exact(N);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = op(*lane, x);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane = op(*lane, x);
    }
    let mut width = N / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] = op(lanes[i], lanes[i + width]);
        }
        width /= 2;
    }
    lanes[0]
}

/// As many rows side by side as the lanes hold.
#[inline(always)]
fn fold_narrow<T: Copy>(x: &[T], inner: usize, y: &mut [T], identity: T, op: impl Fn(T, T) -> T + Copy) {
    let mut lanes = [identity; WIDTH];
    for chunk in x.chunks(WIDTH / inner * inner) {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = op(*lane, x);
        }
    }
    y.fill(identity);
    for row in lanes[..WIDTH / inner * inner].chunks_exact(inner) {
        for (y, &lane) in y.iter_mut().zip(row) {
            *y = op(*y, lane);
        }
    }
}

/// Four rows at a time.
#[inline(always)]
fn fold_wide<T: Copy>(x: &[T], inner: usize, y: &mut [T], identity: T, op: impl Fn(T, T) -> T + Copy) {
    let width = y.len();
    y.fill(identity);
    let rows = (x.len() - width) / inner + 1;
    let row = |i: usize| &x[i * inner..i * inner + width];
    for i in 0..rows / 4 {
        let (a, b, c, d) = (row(4 * i), row(4 * i + 1), row(4 * i + 2), row(4 * i + 3));
        for ((((y, &a), &b), &c), &d) in y.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *y = op(*y, op(op(a, b), op(c, d)));
        }
    }
    for i in rows / 4 * 4..rows {
        for (y, &x) in y.iter_mut().zip(row(i)) {
            *y = op(*y, x);
        }
    }
}

/// y[o, j] ← the first i for which no x[o, k, j] is better, starting from i = 0. `first_of_row` is that of one row.
fn arg_first<T: Copy + Send + Sync>(
    sizes: Sizes,
    x: &[T],
    y: &mut [i32],
    better: impl Fn(T, T) -> bool + Sync,
    first_of_row: fn(&[T]) -> usize,
) {
    check(sizes, x.len(), y.len());
    let [_, n, inner] = sizes;
    if x.is_empty() {
        return y.fill(0);
    }
    let first_of_column = |start: usize| {
        let others = x[start..].iter().step_by(inner).take(n).enumerate();
        others.fold((0, x[start]), |best, (i, &x)| if better(x, best.1) { (i, x) } else { best }).0
    };
    let size = items_per_task(y.len(), n);
    for_each_chunk(y, size, |chunk, y| {
        for (to, y) in (chunk * size..).zip(y) {
            let start = to / inner * n * inner + to % inner;
            let first = if inner == 1 { first_of_row(&x[start..start + n]) } else { first_of_column(start) };
            *y = first as i32;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{assert_close, random};

    const SIZES: [Sizes; 18] = [
        [1, 0, 1],
        [3, 0, 2],
        [0, 5, 3],
        [4, 3, 0],
        [1, 1, 1],
        [5, 1, 3],
        [7, 10, 1],
        [3, 64, 1],
        [3, 197, 1],
        [1, 100_003, 1],
        [2, 40_000, 3],
        [3, 7, 33],
        [2, 513, 32],
        [1, 5000, 70],
        [2, 3, 1025],
        [1, 200, 3001],
        [1000, 4, 2],
        [2, 2, 70_000],
    ];

    fn column(sizes: Sizes, x: &[f32], to: usize) -> impl Iterator<Item = f32> + '_ {
        let [_, n, inner] = sizes;
        (0..n).map(move |i| x[(to / inner * n + i) * inner + to % inner])
    }

    #[test]
    fn sums_means_and_products() {
        for sizes in SIZES {
            let [outer, n, inner] = sizes;
            let x = random(outer * n * inner, 3, 1.0);
            let mut y = vec![9.0; outer * inner];
            float::sum(sizes, &x, &mut y);
            let sum = |to| column(sizes, &x, to).map(f64::from).sum::<f64>();
            assert_close(&y, sum, 1e-5);
            if n > 0 {
                float::mean(sizes, &x, &mut y);
                assert_close(&y, |to| sum(to) / n as f64, 1e-6);
            }
            let near_one: Vec<f32> = x.iter().map(|x| 1.0 + x / 1000.0).collect();
            float::product(sizes, &near_one, &mut y);
            assert_close(&y, |to| column(sizes, &near_one, to).map(f64::from).product(), 1e-4);
        }
    }

    #[test]
    fn a_long_sum_is_accurate() {
        let x = vec![0.1f32; 10_000_000];
        let mut y = [0.0];
        float::sum([1, x.len(), 1], &x, &mut y);
        assert!((y[0] as f64 - 0.1f32 as f64 * 1e7).abs() < 1.0, "{}", y[0]);
    }

    #[test]
    fn extremes_and_their_positions() {
        for sizes in SIZES {
            let [outer, n, inner] = sizes;
            let mut x = random(outer * n * inner, 5, 100.0);
            // Ties.
            x.iter_mut().for_each(|x| *x = x.round());
            let (mut y, mut at) = (vec![9.0; outer * inner], vec![9; outer * inner]);
            float::max(sizes, &x, &mut y);
            float::arg_max(sizes, &x, &mut at);
            for to in 0..y.len() {
                let expected = column(sizes, &x, to).fold(f32::NEG_INFINITY, f32::max);
                assert_eq!(y[to], expected);
                assert_eq!(at[to] as usize, column(sizes, &x, to).position(|x| x == expected).unwrap_or(0));
            }
            float::min(sizes, &x, &mut y);
            float::arg_min(sizes, &x, &mut at);
            for to in 0..y.len() {
                let expected = column(sizes, &x, to).fold(f32::INFINITY, f32::min);
                assert_eq!(y[to], expected);
                assert_eq!(at[to] as usize, column(sizes, &x, to).position(|x| x == expected).unwrap_or(0));
            }
            if n > 0 {
                x.iter_mut().step_by(n * inner + 1).for_each(|x| *x = f32::NAN);
                float::max(sizes, &x, &mut y);
                assert!((0..y.len()).all(|to| y[to].is_nan() == column(sizes, &x, to).any(f32::is_nan)));
                float::min(sizes, &x, &mut y);
                assert!((0..y.len()).all(|to| y[to].is_nan() == column(sizes, &x, to).any(f32::is_nan)));
            }
        }
    }

    #[test]
    fn positions_leave_nan_out_unless_it_is_first() {
        let mut at = [9; 3];
        let x = [1.0, f32::NAN, 5.0, f32::NAN, 5.0, 2.0, f32::NEG_INFINITY, f32::NAN, f32::NEG_INFINITY];
        float::arg_max([3, 3, 1], &x, &mut at);
        assert_eq!(at, [2, 0, 0]);
    }

    #[test]
    fn integers_and_booleans() {
        let x = [i32::MAX, 1, -5, 7, 7, 0];
        let (mut y, mut at) = ([9; 2], [9; 2]);
        int::sum([2, 3, 1], &x, &mut y);
        assert_eq!(y, [i32::MAX.wrapping_add(-4), 14]);
        int::max([2, 3, 1], &x, &mut y);
        assert_eq!(y, [i32::MAX, 7]);
        int::min([1, 3, 2], &x, &mut y);
        assert_eq!(y, [-5, 0]);
        int::arg_max([2, 3, 1], &x, &mut at);
        assert_eq!(at, [0, 0]);
        int::arg_min([1, 3, 2], &x, &mut at);
        assert_eq!(at, [1, 2]);
        let mut bits = [9; 2];
        boolean::all([2, 2, 1], &[1, 1, 1, 0], &mut bits);
        assert_eq!(bits, [1, 0]);
        boolean::any([2, 2, 1], &[0, 0, 1, 0], &mut bits);
        assert_eq!(bits, [0, 1]);
    }

    #[cfg(not(target_arch = "wasm32"))]
    #[test]
    fn one_thread_gives_the_same_bits() {
        for sizes in [[1, 1_000_003, 1], [3, 10_001, 40], [1, 9000, 130]] {
            let x = random(sizes.iter().product(), 3, 1.0);
            let (mut many, mut one) = (vec![0.0; sizes[0] * sizes[2]], vec![0.0; sizes[0] * sizes[2]]);
            float::sum(sizes, &x, &mut many);
            crate::parallel::serially(|| float::sum(sizes, &x, &mut one));
            assert_eq!(many, one);
        }
    }
}
