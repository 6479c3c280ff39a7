//! Copying a box of numbers from one array to another, along any strides: permuting axes, slicing, reversing, tiling,
//! padding and joining are all this.

use std::ops::Range;

use crate::parallel::{for_each_range, items_per_task, Disjoint};
use crate::strided::{Axis, Position, Walk};

/// Side of the squares in which a matrix is transposed: one row is a cache line.
const TILE: usize = 16;
/// How many columns of a strip of squares are one unit of work.
const BLOCK: usize = 64 * TILE;

/// Where an array begins, and its step along each axis of the box.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The position of the box's first element.
    pub start: isize,
    /// The distance of neighbours along each axis, 0 to repeat, below 0 to go backwards.
    pub steps: &'a [isize],
}

/// y[i₀, i₁, …] ← x[i₀, i₁, …] for all indices below `sizes`, each array seen through its view.
///
/// # Panics
/// If a view leaves its array, or y's could meet an element twice: its steps must be those of a box inside a dense
/// array, each at least the extent of the axes after it.
pub fn copy<T: Copy + Default + Send + Sync>(sizes: &[usize], x: &[T], from: View, y: &mut [T], to: View) {
    assert_eq!((from.steps.len(), to.steps.len()), (sizes.len(), sizes.len()), "a step for each of {sizes:?}");
    if sizes.contains(&0) {
        return;
    }
    assert!(is_a_box(sizes, to.steps), "elements of {sizes:?} overlap at the steps {:?}", to.steps);
    let axes = (0..sizes.len()).map(|i| Axis { size: sizes[i], steps: [to.steps[i], from.steps[i]] });
    let walk = Walk::new(axes, [to.start, from.start]);
    assert!(walk.stays_within(0, y.len()), "{sizes:?} at {to:?} leaves y of {} elements", y.len());
    assert!(walk.stays_within(1, x.len()), "{sizes:?} at {from:?} leaves x of {} elements", x.len());
    let y = Disjoint::new(y);
    match across(&walk) {
        Some(axis) => transpose(&walk, axis, x, &y),
        None => walk.on_all_threads(1, |units| copy_rows(&walk, units, x, &y)),
    }
}

fn is_a_box(sizes: &[usize], steps: &[isize]) -> bool {
    let mut extent = 1;
    sizes.iter().zip(steps).rev().filter(|(&size, _)| size > 1).all(|(&size, &step)| {
        let apart = step >= extent;
        extent = step * size as isize;
        apart
    })
}

/// The outer axis along which x is dense while y is dense along the inner one.
fn across(walk: &Walk<2>) -> Option<usize> {
    let [y, x] = walk.inner().steps;
    let is_dense = |axis: &Axis<2>| axis.steps[1] == 1 && axis.size >= TILE / 2;
    (y == 1 && x != 1 && x != 0).then(|| walk.outer().iter().position(is_dense))?
}

/// Rows along the innermost axis.
fn copy_rows<T: Copy>(walk: &Walk<2>, units: Range<usize>, x: &[T], y: &Disjoint<T>) {
    let steps = walk.inner().steps;
    for ([to, from], length) in walk.pieces(units) {
        let (to, start) = (to as usize, from as usize);
        let reach = (length - 1) * steps[0] as usize + 1;
        // SAFETY: y's view is a box, so units do not overlap in it.
        let y = unsafe { y.range(to..to + reach) };
        match steps {
            [1, 1] => y.copy_from_slice(&x[start..start + length]),
            [1, 0] => y.fill(x[start]),
            [to_step, from_step] => {
                for (i, y) in y.iter_mut().step_by(to_step as usize).enumerate() {
                    *y = x[(from + i as isize * from_step) as usize];
                }
            }
        }
    }
}

/// Squares of `axis`, along which x is dense, by the innermost axis, along which y is.
fn transpose<T: Copy + Default + Send + Sync>(walk: &Walk<2>, axis: usize, x: &[T], y: &Disjoint<T>) {
    let mut others = walk.outer().to_vec();
    let rows = others.remove(axis);
    let columns = walk.inner();
    let rest = Walk::new(others, walk.start());
    let (strips, blocks) = (rows.size.div_ceil(TILE), columns.size.div_ceil(BLOCK));
    let units = rest.rows() * rest.inner().size * strips * blocks;
    for_each_range(units, items_per_task(units, TILE * columns.size.min(BLOCK)), |units| {
        for unit in units {
            let (strip, block) = (unit / blocks, unit % blocks);
            let [to, from] = matrix(&rest, strip / strips);
            let row = strip % strips * TILE;
            let height = TILE.min(rows.size - row);
            for column in (block * BLOCK..columns.size.min((block + 1) * BLOCK)).step_by(TILE) {
                let width = TILE.min(columns.size - column);
                let to = to as usize + row * rows.steps[0] as usize + column;
                let from = from + row as isize + column as isize * columns.steps[1];
                let square = read_square([height, width], columns.steps[1], x, from);
                for (i, start) in (0..height).map(|i| (i, to + i * rows.steps[0] as usize)) {
                    // SAFETY: y's view is a box, so each square has its own elements.
                    let y = unsafe { y.range(start..start + width) };
                    y.iter_mut().zip(&square).for_each(|(y, column)| *y = column[i]);
                }
            }
        }
    });
}

/// The columns of a square, `step` apart in x.
#[inline(always)]
fn read_square<T: Copy + Default>(
    [height, width]: [usize; 2],
    step: isize,
    x: &[T],
    start: isize,
) -> [[T; TILE]; TILE] {
    let mut square = [[T::default(); TILE]; TILE];
    for (j, column) in square[..width].iter_mut().enumerate() {
        let start = (start + j as isize * step) as usize;
        column[..height].copy_from_slice(&x[start..start + height]);
    }
    square
}

/// Where the matrix of this index begins in both arrays.
fn matrix(rest: &Walk<2>, index: usize) -> [isize; 2] {
    let inner = rest.inner();
    let Position { offsets: [y, x], .. } = Position::at(rest, index / inner.size);
    let along = (index % inner.size) as isize;
    [y + along * inner.steps[0], x + along * inner.steps[1]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strided::dense_steps;

    fn reference(sizes: &[usize], from: View, to: View, x: &[u32], y: &mut [u32]) {
        let steps = dense_steps(sizes);
        for index in 0..sizes.iter().product::<usize>() {
            let at = |view: View| {
                let along = |axis: usize| index as isize / steps[axis] % sizes[axis] as isize * view.steps[axis];
                (view.start + (0..sizes.len()).map(along).sum::<isize>()) as usize
            };
            y[at(to)] = x[at(from)];
        }
    }

    fn check(sizes: &[usize], (x, from): (usize, View), (y, to): (usize, View)) {
        let numbers: Vec<u32> = (1..=x as u32).collect();
        let (mut ours, mut expected) = (vec![0; y], vec![0; y]);
        copy(sizes, &numbers, from, &mut ours, to);
        reference(sizes, from, to, &numbers, &mut expected);
        assert!(ours == expected, "{sizes:?} from {from:?} to {to:?}");
        let bytes: Vec<u8> = numbers.iter().map(|&x| x as u8).collect();
        let mut ours = vec![0; y];
        copy(sizes, &bytes, from, &mut ours, to);
        assert!(ours.iter().zip(&expected).all(|(&y, &expected)| y == expected as u8));
    }

    fn permuted(shape: &[usize], permutation: &[usize]) {
        let steps = dense_steps(shape);
        let sizes: Vec<usize> = permutation.iter().map(|&axis| shape[axis]).collect();
        let from: Vec<isize> = permutation.iter().map(|&axis| steps[axis]).collect();
        let size = sizes.iter().product();
        let to = dense_steps(&sizes);
        check(&sizes, (size, View { start: 0, steps: &from }), (size, View { start: 0, steps: &to }));
    }

    #[test]
    fn permutes_axes() {
        permuted(&[], &[]);
        permuted(&[5], &[0]);
        for shape in [[0, 3], [1, 1], [1, 9], [7, 5], [16, 16], [33, 70], [300, 1000], [100_003, 2]] {
            permuted(&shape, &[1, 0]);
            permuted(&shape, &[0, 1]);
        }
        for permutation in [[0, 2, 1], [1, 0, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
            permuted(&[3, 20, 33], &permutation);
            permuted(&[20, 1, 17], &permutation);
        }
        permuted(&[2, 33, 4, 64], &[0, 2, 1, 3]);
        permuted(&[2, 33, 4, 64], &[0, 2, 3, 1]);
        permuted(&[2, 3, 4, 5, 2, 3], &[5, 3, 1, 0, 2, 4]);
        permuted(&[2, 3, 17, 5, 2, 18], &[0, 5, 1, 3, 4, 2]);
    }

    #[test]
    fn slices_with_steps_and_backwards() {
        let dense = dense_steps(&[2, 3, 4]);
        let to = View { start: 0, steps: &dense };
        check(&[2, 3, 4], (1000, View { start: 123, steps: &[100, 10, 1] }), (24, to));
        check(&[2, 3, 4], (1000, View { start: 123, steps: &[100, 10, 2] }), (24, to));
        check(&[2, 3, 4], (1000, View { start: 999, steps: &[-100, -10, -1] }), (24, to));
        check(&[2, 3, 4], (1000, View { start: 500, steps: &[-100, 10, -3] }), (24, to));
    }

    #[test]
    fn repeats() {
        let to = dense_steps(&[3, 4, 2, 5000]);
        let view = View { start: 0, steps: &to };
        check(&[3, 4, 2, 5000], (20_000, View { start: 0, steps: &[0, 5000, 0, 1] }), (120_000, view));
        check(&[3, 4, 2, 5000], (8, View { start: 0, steps: &[0, 2, 1, 0] }), (120_000, view));
        check(&[3, 4, 2, 5000], (1, View { start: 0, steps: &[0; 4] }), (120_000, view));
    }

    #[test]
    fn writes_into_a_box() {
        let dense = dense_steps(&[3, 4, 5]);
        let from = View { start: 0, steps: &dense };
        check(&[3, 4, 5], (60, from), (1000, View { start: 123, steps: &[100, 10, 1] }));
        // The last axis of y is longer.
        check(&[60, 1], (60, View { start: 0, steps: &[1, 1] }), (1000, View { start: 3, steps: &[10, 1] }));
        // Transposed into a box.
        check(&[30, 40], (1200, View { start: 0, steps: &[1, 30] }), (3000, View { start: 7, steps: &[50, 1] }));
    }

    #[test]
    #[should_panic(expected = "leaves x")]
    fn stays_inside_x() {
        copy(&[3], &[1u8, 2], View { start: 0, steps: &[1] }, &mut [0; 3], View { start: 0, steps: &[1] });
    }

    #[test]
    #[should_panic(expected = "overlap")]
    fn writes_each_element_once() {
        let steps = View { start: 0, steps: &[1, 1] };
        copy(&[2, 2], &[1u8; 4], steps, &mut [0; 4], steps);
    }
}
