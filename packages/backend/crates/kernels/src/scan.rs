//! Running sums and products along one axis of x (outer, n, inner) → y of the same sizes.

use crate::parallel::{for_each_range, items_per_task, Disjoint};
use crate::reduce::Sizes;

/// Which elements the result at an index covers.
#[derive(Clone, Copy, Debug)]
pub struct Direction {
    /// Those before it only.
    pub exclusive: bool,
    /// From the end instead of from the beginning.
    pub reverse: bool,
}

/// yᵢ = x₀ + … + xᵢ
pub fn cumulative_sum_float(sizes: Sizes, direction: Direction, x: &[f32], y: &mut [f32]) {
    scan(sizes, direction, x, y, 0.0, |a, b| a + b);
}

/// yᵢ = x₀ + … + xᵢ modulo 2³²
pub fn cumulative_sum_int(sizes: Sizes, direction: Direction, x: &[i32], y: &mut [i32]) {
    scan(sizes, direction, x, y, 0, i32::wrapping_add);
}

/// yᵢ = x₀ · … · xᵢ
pub fn cumulative_product_float(sizes: Sizes, direction: Direction, x: &[f32], y: &mut [f32]) {
    scan(sizes, direction, x, y, 1.0, |a, b| a * b);
}

fn scan<T: Copy + Send + Sync>(
    [outer, n, inner]: Sizes,
    Direction { exclusive, reverse }: Direction,
    x: &[T],
    y: &mut [T],
    identity: T,
    op: impl Fn(T, T) -> T + Sync,
) {
    assert_eq!(
        (outer * n * inner, x.len()),
        (x.len(), y.len()),
        "x and y are not of the sizes {:?}",
        [outer, n, inner]
    );
    let columns = outer * inner;
    let y = Disjoint::new(y);
    for_each_range(columns, items_per_task(columns, n), |range| {
        for column in range {
            let mut running = identity;
            for i in 0..n {
                let i = if reverse { n - 1 - i } else { i };
                let at = (column / inner * n + i) * inner + column % inner;
                let next = op(running, x[at]);
                // SAFETY: a task writes its own columns.
                unsafe { y.range(at..at + 1) }.fill(if exclusive { running } else { next });
                running = next;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_both_ways() {
        let x = [1, 2, 3, 4, 5, 6];
        for (exclusive, reverse, sizes, expected) in [
            (false, false, [2, 3, 1], [1, 3, 6, 4, 9, 15]),
            (true, false, [2, 3, 1], [0, 1, 3, 0, 4, 9]),
            (false, true, [2, 3, 1], [6, 5, 3, 15, 11, 6]),
            (true, true, [2, 3, 1], [5, 3, 0, 11, 6, 0]),
            (false, false, [1, 3, 2], [1, 2, 4, 6, 9, 12]),
        ] {
            let mut y = [9; 6];
            cumulative_sum_int(sizes, Direction { exclusive, reverse }, &x, &mut y);
            assert_eq!(y, expected);
        }
        cumulative_sum_int([0, 3, 2], Direction { exclusive: false, reverse: false }, &[], &mut []);
    }

    #[test]
    fn floats_pass_nan_on() {
        let (x, forward) = ([2.0, 3.0, f32::NAN, 1.0], Direction { exclusive: false, reverse: false });
        let mut y = [9.0; 4];
        cumulative_sum_float([1, 4, 1], forward, &x, &mut y);
        assert!(y[1] == 5.0 && y[3].is_nan());
        cumulative_product_float([1, 4, 1], forward, &x, &mut y);
        assert!(y[1] == 6.0 && y[3].is_nan());
    }
}
