//! Going through several arrays at once, each along strides of its own.

use std::ops::Range;

use crate::parallel::{for_each_range, items_per_task};

/// The longest stretch of the innermost axis that is one unit of work.
const PIECE: usize = 4096;
/// More axes than TensorFlow.js has, doubled by operations such as tiling.
const MAX_AXES: usize = 16;

/// One axis of a walk: its size, and how far each array moves from one index to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis<const K: usize> {
    /// How many indices there are.
    pub size: usize,
    /// The step of each array, in elements; 0 where an array is repeated along the axis.
    pub steps: [isize; K],
}

/// An index space through which `K` arrays move together.
///
/// Axes of size 1 are left out, and neighbours are joined where all arrays step over them alike, so that equal shapes
/// are one long axis whatever their rank.
pub struct Walk<const K: usize> {
    outer: Vec<Axis<K>>,
    inner: Axis<K>,
    start: [isize; K],
}

impl<const K: usize> Walk<K> {
    /// Axes from the outermost to the innermost, and where each array begins.
    pub fn new(axes: impl IntoIterator<Item = Axis<K>>, start: [isize; K]) -> Self {
        let mut outer: Vec<Axis<K>> = Vec::new();
        for axis in axes.into_iter().filter(|axis| axis.size != 1) {
            match outer.last_mut() {
                Some(last) if (0..K).all(|k| last.steps[k] == axis.steps[k] * axis.size as isize) => {
                    *last = Axis { size: last.size * axis.size, steps: axis.steps };
                }
                _ => outer.push(axis),
            }
        }
        assert!(outer.len() < MAX_AXES, "{} axes are more than {MAX_AXES}", outer.len());
        let inner = outer.pop().unwrap_or(Axis { size: 1, steps: [1; K] });
        Self { outer, inner, start }
    }

    /// The axes but the innermost.
    pub fn outer(&self) -> &[Axis<K>] {
        &self.outer
    }

    /// The innermost axis.
    pub fn inner(&self) -> Axis<K> {
        self.inner
    }

    /// Where each array begins.
    pub fn start(&self) -> [isize; K] {
        self.start
    }

    /// How often the innermost axis is gone through.
    pub fn rows(&self) -> usize {
        self.outer.iter().map(|axis| axis.size).product()
    }

    /// Whether every position that array `k` takes lies in `0..length`.
    pub fn stays_within(&self, k: usize, length: usize) -> bool {
        if self.rows() * self.inner.size == 0 {
            return true;
        }
        let (mut low, mut high) = (self.start[k], self.start[k]);
        for axis in self.outer.iter().chain([&self.inner]) {
            let reach = axis.steps[k] * (axis.size as isize - 1);
            *(if reach < 0 { &mut low } else { &mut high }) += reach;
        }
        low >= 0 && high < length as isize
    }

    /// Cuts the walk into units, which [`Self::pieces`] takes, and runs `body` on ranges of them on all threads. `work`
    /// is what one index costs in simple operations.
    pub fn on_all_threads(&self, work: usize, body: impl Fn(Range<usize>) + Sync) {
        let units = self.rows() * self.pieces_per_row();
        for_each_range(units, items_per_task(units, self.inner.size.min(PIECE) * work), body);
    }

    /// The position of each array at the beginning of each unit, and its number of indices along the innermost axis.
    #[inline(always)]
    pub fn pieces(&self, units: Range<usize>) -> Pieces<'_, K> {
        let per_row = self.pieces_per_row().max(1);
        let position = Position::at(self, units.start / per_row);
        Pieces { walk: self, position, first: units.start % per_row * PIECE, left: units.len() }
    }

    fn pieces_per_row(&self) -> usize {
        self.inner.size.div_ceil(PIECE)
    }
}

/// What [`Walk::pieces`] goes through. An iterator, because a closure may be compiled on its own, for the baseline.
pub struct Pieces<'a, const K: usize> {
    walk: &'a Walk<K>,
    position: Position<K>,
    first: usize,
    left: usize,
}

impl<const K: usize> Iterator for Pieces<'_, K> {
    type Item = ([isize; K], usize);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let inner = &self.walk.inner;
        let mut offsets = self.position.offsets;
        for (offset, step) in offsets.iter_mut().zip(inner.steps) {
            *offset += step * self.first as isize;
        }
        let length = PIECE.min(inner.size - self.first);
        self.first += PIECE;
        if self.first >= inner.size {
            self.first = 0;
            self.position.advance(self.walk);
        }
        Some((offsets, length))
    }
}

/// An index into the outer axes, and where each array is there.
pub struct Position<const K: usize> {
    index: [usize; MAX_AXES],
    /// Where each array is.
    pub offsets: [isize; K],
}

impl<const K: usize> Position<K> {
    /// The position of a row.
    #[inline(always)]
    pub fn at(walk: &Walk<K>, row: usize) -> Self {
        let (mut index, mut offsets, mut rest) = ([0; MAX_AXES], walk.start, row);
        for (at, axis) in index.iter_mut().zip(&walk.outer).rev() {
            *at = rest % axis.size.max(1);
            rest /= axis.size.max(1);
            for (offset, step) in offsets.iter_mut().zip(axis.steps) {
                *offset += step * *at as isize;
            }
        }
        Self { index, offsets }
    }

    /// Goes to the next row.
    #[inline(always)]
    pub fn advance(&mut self, walk: &Walk<K>) {
        for (at, axis) in self.index.iter_mut().zip(&walk.outer).rev() {
            *at += 1;
            let wraps = *at == axis.size;
            let moved = if wraps { 1 - axis.size as isize } else { 1 };
            for (offset, step) in self.offsets.iter_mut().zip(axis.steps) {
                *offset += step * moved;
            }
            if !wraps {
                return;
            }
            *at = 0;
        }
    }
}

/// The distance of neighbours along each axis of a dense array.
pub fn dense_steps(shape: &[usize]) -> Vec<isize> {
    let mut steps = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        steps[axis - 1] = steps[axis] * shape[axis] as isize;
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(sizes: &[usize], a: &[isize], b: &[isize]) -> Walk<2> {
        let axes = sizes.iter().zip(a).zip(b).map(|((&size, &a), &b)| Axis { size, steps: [a, b] });
        Walk::new(axes, [0, 5])
    }

    #[test]
    fn joins_what_is_dense() {
        let same = walk(&[2, 1, 3, 4], &[12, 12, 4, 1], &[12, 0, 4, 1]);
        assert_eq!((same.outer().len(), same.inner()), (0, Axis { size: 24, steps: [1, 1] }));
        let row = walk(&[2, 3, 4], &[12, 4, 1], &[0, 0, 1]);
        assert_eq!((row.outer(), row.inner().size), (&[Axis { size: 6, steps: [4, 0] }][..], 4));
        let scalar = walk(&[1, 1], &[1, 1], &[0, 0]);
        assert_eq!((scalar.rows(), scalar.inner().size), (1, 1));
    }

    #[test]
    fn visits_every_index_once_from_any_unit() {
        for (sizes, a, b) in [
            (vec![3, 2, 5], vec![10, 5, 1], vec![0, -7, 2]),
            (vec![2, 2 * PIECE + 3], vec![2 * PIECE as isize + 3, 1], vec![1, 0]),
            (vec![3, 0, 2], vec![0, 2, 1], vec![0, 0, 1]),
        ] {
            let walk = walk(&sizes, &a, &b);
            let mut expected = vec![[0, 5]];
            for axis in 0..sizes.len() {
                let along = |at: &[isize; 2], i: isize| [at[0] + i * a[axis], at[1] + i * b[axis]];
                let size = sizes[axis] as isize;
                expected = expected.iter().flat_map(|at| (0..size).map(move |i| along(at, i))).collect();
            }
            let [s, t] = walk.inner().steps;
            let units = walk.rows() * walk.pieces_per_row();
            for cut in 0..=units {
                let mut visited = Vec::new();
                for units in [0..cut, cut..units] {
                    for ([x, y], n) in walk.pieces(units) {
                        visited.extend((0..n as isize).map(|i| [x + i * s, y + i * t]));
                    }
                }
                assert_eq!(visited, expected);
            }
        }
    }

    #[test]
    fn knows_its_bounds() {
        let walk = walk(&[3, 2], &[2, 1], &[-2, -1]);
        assert!(walk.stays_within(0, 6) && !walk.stays_within(0, 5));
        assert!(walk.stays_within(1, 6) && !walk.stays_within(1, 5));
        let below = super::Walk::new([Axis { size: 3, steps: [-1] }], [1]);
        assert!(!below.stays_within(0, 6));
    }
}
