//! Tiles: 32 queries across, keys down.

use super::product::{Strided, WIDTH};
use super::{Attention, Heads};
use crate::packing::{pack_transposed, Block};
use crate::random_bits::DropoutMask;
use crate::vectorized;
use std::ops::Range;

/// How many queries a tile holds.
pub const QUERIES: usize = 32;

/// How many keys a tile holds at most.
pub const KEYS: usize = 128;

/// One number for each query of a tile.
pub type PerQuery = [f32; QUERIES];

/// The place of some queries of one head.
#[derive(Clone, Copy)]
pub struct Place {
    /// Which sequence.
    pub batch: usize,
    /// Which head of it.
    pub head: usize,
    /// The first query.
    pub first: usize,
    /// How many queries, at most 32.
    pub count: usize,
}

/// Turns `count` rows into columns: to[d · 32 + q] ← factor · from[q][d]. Columns after the last row become 0.
pub fn transpose_rows(to: &mut [f32], from: Heads<&[f32]>, row: usize, column: usize, count: usize, factor: f32) {
    let columns = from.offset + column..from.offset + column + to.len() / QUERIES;
    if count < QUERIES {
        to.fill(0.0);
    }
    pack_transposed(to, QUERIES, Block { data: from.data, stride: from.stride, rows: row..row + count, columns });
    if factor != 1.0 {
        scale(to, factor);
    }
}

/// Rows of a head that are whole registers wide: those that are there, or copies in `room` if `size` is not such a width.
pub fn whole_rows<'a>(
    room: &'a mut [f32],
    width: usize,
    from: Heads<&'a [f32]>,
    row: usize,
    column: usize,
    size: usize,
) -> Strided<'a> {
    if width == size {
        return from.rows(row, column);
    }
    for (i, room) in room.chunks_exact_mut(width).enumerate() {
        room[..size].copy_from_slice(&from.from(row + i, column)[..size]);
        room[size..].fill(0.0);
    }
    Strided::rows(room, width)
}

/// Some keys, at most 128.
#[derive(Clone, Copy)]
pub struct KeyTile {
    /// The first of them.
    pub first: usize,
    /// How many.
    pub count: usize,
    /// How many queries of the tile come before the first that sees any of them: 0 or 16.
    pub unseen: usize,
}

impl Attention {
    /// All keys that these queries see. Those that only the second half of the queries sees are apart.
    pub(super) fn key_tiles(&self, place: Place) -> impl Iterator<Item = KeyTile> {
        let last = place.first + place.count - 1;
        let (start, end) = (self.keys_of(place.first).start, self.keys_of(last).end);
        let middle = self.keys_of(last.min(place.first + WIDTH - 1)).end;
        key_tiles(start..middle, 0).chain(key_tiles(middle..end, WIDTH))
    }

    /// Gives the scores of keys that a query does not see the value −∞.
    pub(super) fn mask_tile(&self, scores: &mut [f32], first_key: usize, place: Place) {
        let seen_by_all = self.keys_of(place.first + place.count - 1).start..self.keys_of(place.first).end;
        for (s, row) in (first_key..).zip(scores.chunks_exact_mut(QUERIES)) {
            if !seen_by_all.contains(&s) {
                let seen = self.queries_of(s);
                let start = seen.start.saturating_sub(place.first).min(QUERIES);
                let end = seen.end.saturating_sub(place.first).clamp(start, QUERIES);
                row[..start].fill(f32::NEG_INFINITY);
                row[end..].fill(f32::NEG_INFINITY);
            }
        }
    }

    /// Writes the dropout mask's factors of a tile.
    pub(super) fn dropout_tile(&self, mask: DropoutMask, factors: &mut [f32], first_key: usize, place: Place) {
        dropout_factors(factors, mask, (self.first_probability(place) + first_key) as u32, self.keys as u32);
    }

    /// Where the probabilities of a place begin in (B, H, T, S).
    pub(super) fn first_probability(&self, place: Place) -> usize {
        ((place.batch * self.num_heads + place.head) * self.queries + place.first) * self.keys
    }
}

fn key_tiles(keys: Range<usize>, unseen: usize) -> impl Iterator<Item = KeyTile> {
    keys.clone().step_by(KEYS).map(move |first| KeyTile { first, count: KEYS.min(keys.end - first), unseen })
}

vectorized! {
    fn dropout_factors(factors: &mut [f32], mask: DropoutMask, first: u32, stride: u32) {
        for (s, row) in (0u32..).zip(factors.chunks_exact_mut(QUERIES)) {
            let first = first.wrapping_add(s);
            for (q, factor) in (0u32..).zip(row) {
                *factor = mask.factor(first.wrapping_add(q.wrapping_mul(stride)));
            }
        }
    }
}

vectorized! {
    /// a ← a · b
    pub fn multiply(a: &mut [f32], b: &[f32]) {
        for (a, b) in a.iter_mut().zip(b) {
            *a *= b;
        }
    }
}

vectorized! {
    /// a ← factor · a
    pub fn scale(a: &mut [f32], factor: f32) {
        for a in a {
            *a *= factor;
        }
    }
}
