//! Copies of parts of a matrix in the order in which the microkernel reads them.

use crate::prefetch::prefetch;
use crate::vectorized;
use std::ops::Range;

/// Where the elements of a part of a matrix are: element (i, j) is at `data[(rows.start + i) · stride + columns.start + j]`.
#[derive(Clone)]
pub struct Block<'a> {
    /// The whole matrix.
    pub data: &'a [f32],
    /// How far apart its rows are.
    pub stride: usize,
    /// The part's rows.
    pub rows: Range<usize>,
    /// The part's columns.
    pub columns: Range<usize>,
}

impl Block<'_> {
    /// Has one of `parts` parts fetched from memory while something else is computed.
    pub fn prefetch(&self, part: usize, parts: usize) {
        let count = self.rows.len();
        for row in self.rows.start + count * part / parts..self.rows.start + count * (part + 1) / parts {
            let row = &self.data[row * self.stride..][self.columns.clone()];
            prefetch(row);
        }
    }
}

vectorized! {
    /// Panels of `width` columns each, all rows of a panel one after the other. The last panel's missing columns keep what
    /// they hold.
    pub fn pack(panels: &mut [f32], width: usize, block: Block) {
        match width {
            16 => copy_rows(panels, 16, &block),
            48 => copy_rows(panels, 48, &block),
            64 => copy_rows(panels, 64, &block),
            _ => copy_rows(panels, width, &block),
        }
    }
}

vectorized! {
    /// As [`pack`], for the transpose of the block.
    pub fn pack_transposed(panels: &mut [f32], width: usize, block: Block) {
        let depth = block.columns.len();
        for (i, row) in block.rows.clone().enumerate().step_by(width) {
            let panel = &mut panels[i * depth..];
            let rows = row..block.rows.end.min(row + width);
            let block = Block { rows, ..block.clone() };
            transpose_panel(panel, width, &block);
        }
    }
}

/// How many rows are copied panel by panel: few enough that their cache lines do not drive each other out.
const ROWS: usize = 8;

/// Inlined where the width is known, copying a row takes a few instructions.
#[inline(always)]
fn copy_rows(panels: &mut [f32], width: usize, block: &Block) {
    let size = block.rows.len() * width;
    for start in (0..block.rows.len()).step_by(ROWS) {
        let count = ROWS.min(block.rows.len() - start);
        for (panel, column) in block.columns.clone().step_by(width).enumerate() {
            let target = &mut panels[panel * size + start * width..][..count * width];
            let source = &block.data[(block.rows.start + start) * block.stride + column..];
            let filled = width.min(block.columns.end - column);
            let rows = target.chunks_exact_mut(width).zip(source.chunks(block.stride));
            if filled == width {
                rows.for_each(|(row, source)| row.copy_from_slice(&source[..width]));
            } else {
                rows.for_each(|(row, source)| row[..filled].copy_from_slice(&source[..filled]));
            }
        }
    }
}

/// Sides of the squares that are transposed at once: four numbers, the least vector; and along k a cache line of them.
const SQUARE: usize = 4;
const LINE: usize = 16;

#[inline(always)]
fn transpose_panel(panel: &mut [f32], width: usize, block: &Block) {
    let (rows, depth) = (block.rows.len(), block.columns.len());
    let (whole_rows, whole_depth) = (rows / SQUARE * SQUARE, depth / LINE * LINE);
    for k in (0..whole_depth).step_by(LINE) {
        for row in (0..whole_rows).step_by(SQUARE) {
            let source = &block.data[(block.rows.start + row) * block.stride + block.columns.start + k..];
            let target = &mut panel[k * width + row..];
            transpose_lines(target, width, source, block.stride);
        }
    }
    transpose_rest(panel, width, block, 0..whole_rows, whole_depth..depth);
    transpose_rest(panel, width, block, whole_rows..rows, 0..depth);
}

/// A cache line of each of four rows.
#[inline(always)]
fn transpose_lines(target: &mut [f32], width: usize, source: &[f32], stride: usize) {
    let target = &mut target[..(LINE - 1) * width + SQUARE];
    let source = &source[..(SQUARE - 1) * stride + LINE];
    for k in (0..LINE).step_by(SQUARE) {
        transpose_square(&mut target[k * width..], width, &source[k..], stride);
    }
}

/// The compiler does not find the vector form of this by itself, which is five times as fast.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn transpose_square(target: &mut [f32], width: usize, source: &[f32], stride: usize) {
    use std::arch::x86_64::{_mm_loadu_ps, _mm_storeu_ps, _MM_TRANSPOSE4_PS};
    assert!(target.len() >= 3 * width + SQUARE && source.len() >= 3 * stride + SQUARE, "a square lies outside");
    // SAFETY: all four rows of both lie within, by the check above.
    unsafe {
        let row = |i: usize| _mm_loadu_ps(source.as_ptr().add(i * stride));
        let (mut a, mut b, mut c, mut d) = (row(0), row(1), row(2), row(3));
        _MM_TRANSPOSE4_PS(&mut a, &mut b, &mut c, &mut d);
        for (i, row) in [a, b, c, d].into_iter().enumerate() {
            _mm_storeu_ps(target.as_mut_ptr().add(i * width), row);
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn transpose_square(target: &mut [f32], width: usize, source: &[f32], stride: usize) {
    for i in 0..SQUARE {
        for j in 0..SQUARE {
            target[i * width + j] = source[j * stride + i];
        }
    }
}

#[inline(always)]
fn transpose_rest(panel: &mut [f32], width: usize, block: &Block, rows: Range<usize>, columns: Range<usize>) {
    for row in rows {
        let source = &block.data[(block.rows.start + row) * block.stride..][block.columns.clone()];
        for column in columns.clone() {
            panel[column * width + row] = source[column];
        }
    }
}
