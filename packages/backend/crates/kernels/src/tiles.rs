//! A matrix product tile by tile.

use crate::matmul::Matrix;
use crate::microkernel::{Microkernel, Operand};
use crate::packing::{pack, pack_transposed, Block};
use crate::parallel::Disjoint;
use crate::scratch::with_scratch;
use std::ops::Range;

/// How many terms of the sums one pass over a tile adds: the packed part of B stays in the second-level cache.
const DEPTH: usize = 512;

/// Sides of a tile where A is read in place: B is packed once for each tile, so tiles are tall, and get narrow first.
const TALL: (usize, usize) = (512, 128);

/// Sides of a tile where A is packed, too.
const SQUARE: (usize, usize) = (384, 256);

/// How many tiles there are at least if the product is large enough, so that no thread waits long for the last one.
const TILES: usize = 8;

/// A tile of this many multiplications is not cut further: it takes some 20 µs.
const LEAST_WORK: usize = 1 << 21;

/// How many of A's rows are packed at once, and how many of them lie beside each other, in strips of the microkernel.
const PACKED_STRIPS: usize = 32;
const PANEL_STRIPS: usize = 8;

/// C cut into tiles, each a task.
pub struct Tiles {
    m: usize,
    n: usize,
    rows: usize,
    columns: usize,
    /// Whether tiles beside each other follow each other.
    along_rows: bool,
}

/// A part of C.
pub struct Tile {
    rows: Range<usize>,
    columns: Range<usize>,
}

impl Tiles {
    /// The tiles of a product (m, k) · (k, n).
    pub fn new(m: usize, n: usize, k: usize, transposed_a: bool) -> Self {
        let kernel = Microkernel::best();
        let (mut rows, mut columns) = if transposed_a { SQUARE } else { TALL };
        loop {
            let tiles = Self {
                m,
                n,
                rows: even_part(m, rows, kernel.rows),
                columns: even_part(n, columns, kernel.width),
                along_rows: transposed_a,
            };
            let smallest = rows <= 2 * kernel.rows && columns <= kernel.width;
            if smallest || tiles.count() >= TILES || m * n * k < TILES.min(tiles.count() * 2) * LEAST_WORK {
                return tiles;
            }
            if columns <= kernel.width || transposed_a && rows > columns {
                rows /= 2;
            } else {
                columns /= 2;
            }
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.m.div_ceil(self.rows) * self.n.div_ceil(self.columns)
    }

    /// One of them.
    pub fn tile(&self, index: usize) -> Tile {
        let (down, across) = (self.m.div_ceil(self.rows), self.n.div_ceil(self.columns));
        let (i, j) = if self.along_rows { (index / across, index % across) } else { (index % down, index / down) };
        let (row, column) = (i * self.rows, j * self.columns);
        Tile { rows: row..self.m.min(row + self.rows), columns: column..self.n.min(column + self.columns) }
    }
}

/// A few rows of a finished tile.
pub struct Rows<'a> {
    c: &'a Disjoint<'a, f32>,
    stride: usize,
    rows: Range<usize>,
    columns: &'a Range<usize>,
}

impl<'a> Iterator for Rows<'a> {
    type Item = &'a mut [f32];

    #[inline(always)]
    fn next(&mut self) -> Option<&'a mut [f32]> {
        let start = self.rows.next()? * self.stride;
        // SAFETY: tasks have different tiles, and each row is handed out once.
        Some(unsafe { self.c.range(start + self.columns.start..start + self.columns.end) })
    }
}

impl<'a> Rows<'a> {
    /// All rows of a matrix.
    pub fn all(c: &'a Disjoint<'a, f32>, count: usize, columns: &'a Range<usize>) -> Self {
        Self { c, stride: columns.len(), rows: 0..count, columns }
    }
}

/// The size of a part when `size` is cut into as few equal parts as are no larger than `limit`, a multiple of `unit`.
fn even_part(size: usize, limit: usize, unit: usize) -> usize {
    let parts = size.div_ceil(limit).max(1);
    size.div_ceil(parts).next_multiple_of(unit).max(unit)
}

/// C ← A · B, or C + A · B if `accumulate`, with `k` terms in each sum.
pub struct Product<'a> {
    /// Where it is written.
    pub c: &'a Disjoint<'a, f32>,
    /// Where in `c` its first element is, and how far apart its rows are.
    pub place: (usize, usize),
    /// The left operand.
    pub a: Matrix<'a>,
    /// The right operand.
    pub b: Matrix<'a>,
    /// Columns of A, rows of B.
    pub k: usize,
    /// Whether to add to C.
    pub accumulate: bool,
}

impl Product<'_> {
    /// One tile, and `then(first column, elements)` for each of its rows. Tasks must have different tiles. `next` is the
    /// tile that this thread probably computes next, if there is one.
    pub fn compute(&self, tile: &Tile, next: Option<&Tile>, then: &impl Fn(usize, Rows)) {
        let kernel = Microkernel::best();
        let depth = even_part(self.k, DEPTH, 1);
        let (rows, width) = (PACKED_STRIPS * kernel.rows, tile.columns.len().next_multiple_of(kernel.width));
        let rows = if self.a.transposed { rows } else { 0 };
        with_scratch([rows * depth, width * depth], |[packed_a, packed_b]| {
            // Without terms, one pass still writes zeros.
            for start in (0..self.k.max(1)).step_by(depth) {
                let inner = start..self.k.min(start + depth);
                pack_b(&kernel, packed_b, &self.block_of_b(inner.clone(), &tile.columns), self.b.transposed);
                let ahead = if inner.end < self.k {
                    Some(self.block_of_b(inner.end..self.k.min(inner.end + depth), &tile.columns))
                } else {
                    next.map(|next| self.block_of_b(0..depth.min(self.k), &next.columns))
                };
                self.pass(&kernel, tile, inner, [packed_a, packed_b], ahead, then);
            }
        });
    }

    /// Adds the terms `inner` to a tile, strip by strip.
    fn pass(
        &self,
        kernel: &Microkernel,
        tile: &Tile,
        inner: Range<usize>,
        [packed_a, packed_b]: [&mut [f32]; 2],
        ahead: Option<Block>,
        then: &impl Fn(usize, Rows),
    ) {
        let strips = tile.rows.len().div_ceil(kernel.rows);
        for (strip, row) in tile.rows.clone().step_by(kernel.rows).enumerate() {
            let rows = row..tile.rows.end.min(row + kernel.rows);
            if self.a.transposed && strip % PACKED_STRIPS == 0 {
                let end = tile.rows.end.min(row + PACKED_STRIPS * kernel.rows);
                self.pack_a(kernel, packed_a, row..end, inner.clone());
            }
            if let Some(ahead) = &ahead {
                ahead.prefetch(strip, strips);
            }
            let a = self.strip_of_a(kernel, packed_a, strip % PACKED_STRIPS, row, &inner);
            self.strip(kernel, rows.clone(), tile.columns.clone(), inner.clone(), &a, packed_b);
            if inner.end == self.k {
                then(tile.columns.start, Rows { c: self.c, stride: self.place.1, rows, columns: &tile.columns });
            }
        }
    }

    /// Adds the terms `inner` to a few rows, as many as the microkernel takes.
    fn strip(
        &self,
        kernel: &Microkernel,
        rows: Range<usize>,
        columns: Range<usize>,
        inner: Range<usize>,
        a: &Operand,
        packed_b: &[f32],
    ) {
        let ((first, stride), accumulate) = (self.place, inner.start > 0 || self.accumulate);
        for column in columns.clone().step_by(kernel.width) {
            let panel = &packed_b[(column - columns.start) * inner.len()..];
            let b = Operand { start: panel.as_ptr(), along_k: kernel.width, along_rows: 0 };
            let count = kernel.width.min(columns.end - column);
            // SAFETY: the strip lies in A and C, whose sizes `multiply` has compared, and the panel has `inner.len()`
            // rows of `width` numbers; no other task writes this part of C.
            unsafe {
                let c = self.c.pointer().add(first + rows.start * stride + column);
                kernel.run(rows.len(), count, inner.len(), c, stride, a, &b, accumulate);
            }
        }
    }

    fn strip_of_a(
        &self,
        kernel: &Microkernel,
        packed: &[f32],
        strip: usize,
        row: usize,
        inner: &Range<usize>,
    ) -> Operand {
        if self.a.transposed {
            let panel = PANEL_STRIPS * kernel.rows;
            let start = strip / PANEL_STRIPS * panel * inner.len() + strip % PANEL_STRIPS * kernel.rows;
            Operand { start: packed[start.min(packed.len())..].as_ptr(), along_k: panel, along_rows: 1 }
        } else {
            let stride = self.a.stored_columns;
            Operand { start: self.a.data[row * stride + inner.start..].as_ptr(), along_k: 1, along_rows: stride }
        }
    }

    fn pack_a(&self, kernel: &Microkernel, panels: &mut [f32], rows: Range<usize>, inner: Range<usize>) {
        let block = Block { data: self.a.data, stride: self.a.stored_columns, rows: inner, columns: rows };
        pack(panels, PANEL_STRIPS * kernel.rows, block);
    }

    /// Where a part of B is stored.
    fn block_of_b(&self, inner: Range<usize>, columns: &Range<usize>) -> Block<'_> {
        let (data, stride, columns) = (self.b.data, self.b.stored_columns, columns.clone());
        if self.b.transposed {
            Block { data, stride, rows: columns, columns: inner }
        } else {
            Block { data, stride, rows: inner, columns }
        }
    }
}

fn pack_b(kernel: &Microkernel, panels: &mut [f32], block: &Block, transposed: bool) {
    if transposed {
        pack_transposed(panels, kernel.width, block.clone())
    } else {
        pack(panels, kernel.width, block.clone())
    }
}
