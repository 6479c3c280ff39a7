//! Attention of 32 queries after the other.

use super::decode::decode;
use super::product::{product, Strided, WIDTH};
use super::tile::{multiply, scale, transpose_rows, whole_rows, KeyTile, PerQuery, Place, KEYS, QUERIES};
use super::{Attention, Heads, Inputs};
use crate::math::exp;
use crate::parallel::{for_each, Disjoint};
use crate::scratch::with_scratch;
use crate::vectorized;

/// See [`super::attention`].
pub fn attention(sizes: &Attention, inputs: Inputs, y: &mut [f32], log_sum_exp: Option<&mut [f32]>) {
    sizes.check(&inputs, y);
    let Attention { batch, num_heads, queries, keys, head_size, .. } = *sizes;
    if keys == 0 {
        // The sum over no values is 0, as in PyTorch.
        y.fill(0.0);
        log_sum_exp.into_iter().for_each(|l| l.fill(f32::NEG_INFINITY));
        return;
    }
    let y = Disjoint::new(y);
    let log_sum_exp = log_sum_exp.map(Disjoint::new);
    assert!(log_sum_exp.as_ref().is_none_or(|l| l.len() == batch * num_heads * queries), "logSumExp is not (B, H, T)");
    let outputs =
        Outputs { y: Heads { data: &y, stride: num_heads * head_size, offset: 0 }, log_sum_exp: log_sum_exp.as_ref() };
    if queries == 1 {
        return decode(sizes, inputs, outputs);
    }
    tiles(sizes, inputs, outputs);
}

/// Attention of any number of queries and keys but none.
pub fn tiles(sizes: &Attention, inputs: Inputs, outputs: Outputs) {
    let Attention { batch, num_heads, queries, .. } = *sizes;
    let tiles = queries.div_ceil(QUERIES);
    for_each(batch * num_heads * tiles, |task| {
        let (head, first) = (task / tiles, task % tiles * QUERIES);
        let place =
            Place { batch: head / num_heads, head: head % num_heads, first, count: QUERIES.min(queries - first) };
        attend(sizes, inputs, outputs, place);
    });
}

/// What is written.
#[derive(Clone, Copy)]
pub struct Outputs<'a> {
    /// (B, T, H·D)
    pub y: Heads<&'a Disjoint<'a, f32>>,
    /// (B, H, T)
    pub log_sum_exp: Option<&'a Disjoint<'a, f32>>,
}

fn attend(sizes: &Attention, inputs: Inputs, outputs: Outputs, place: Place) {
    let Attention { keys, head_size, .. } = *sizes;
    let width = head_size.next_multiple_of(WIDTH);
    let tile = KEYS.min(keys);
    let lengths = [head_size * QUERIES, tile * QUERIES, tile * QUERIES, tile * width, QUERIES * width];
    with_scratch(lengths, |[query, p, factors, value, y]| {
        let row = place.batch * sizes.queries + place.first;
        let group = place.head / sizes.heads_per_group() * head_size;
        transpose_rows(query, inputs.query, row, place.head * head_size, place.count, sizes.scale());
        let mut softmax = Softmax::default();
        y.fill(0.0);
        for KeyTile { first, count, unseen } in sizes.key_tiles(place) {
            let row = place.batch * keys + first;
            let (p, seeing) = (&mut p[..count * QUERIES], QUERIES - unseen);
            let (key, query) = (inputs.key.rows(row, group), Strided::rows(query, QUERIES).skip_columns(unseen));
            product(&mut p[unseen..], QUERIES, (count, seeing, head_size), key, query, false);
            sizes.mask_tile(p, first, place);
            let correction = softmax.take(p);
            if let Some(mask) = sizes.dropout {
                let factors = &mut factors[..p.len()];
                sizes.dropout_tile(mask, factors, first, place);
                multiply(p, factors);
            }
            y.chunks_exact_mut(width).zip(correction).for_each(|(y, factor)| scale(y, factor));
            let value = whole_rows(&mut value[..count * width], width, inputs.value, row, group, head_size);
            let p = Strided::rows(p, QUERIES).skip_columns(unseen).transposed();
            product(&mut y[unseen * width..], width, (place.count - unseen, width, count), p, value, true);
        }
        softmax.finish(sizes, outputs, place, y);
    });
}

/// The softmax of 32 queries, of which one tile of keys is seen after the other.
struct Softmax {
    max: PerQuery,
    sum: PerQuery,
}

impl Default for Softmax {
    fn default() -> Self {
        Self { max: [f32::NEG_INFINITY; QUERIES], sum: [0.0; QUERIES] }
    }
}

impl Softmax {
    /// Turns scores into probabilities that lack the division by the sum, and returns what earlier ones must be
    /// multiplied by to fit.
    fn take(&mut self, scores: &mut [f32]) -> PerQuery {
        let mut correction = [0.0; QUERIES];
        exponentials(scores, &mut self.max, &mut self.sum, &mut correction);
        correction
    }

    fn finish(&self, sizes: &Attention, outputs: Outputs, place: Place, y: &[f32]) {
        let (size, width) = (sizes.head_size, y.len() / QUERIES);
        for (i, y) in y.chunks_exact(width).take(place.count).enumerate() {
            let factor = 1.0 / self.sum[i];
            let row = place.batch * sizes.queries + place.first + i;
            // SAFETY: each query of each head is one task's.
            let to = unsafe { outputs.y.row(row, place.head * size, size) };
            to.iter_mut().zip(y).for_each(|(to, y)| *to = *y * factor);
        }
        if let Some(log_sum_exp) = outputs.log_sum_exp {
            let start = (place.batch * sizes.num_heads + place.head) * sizes.queries + place.first;
            // SAFETY: as above.
            let to = unsafe { log_sum_exp.range(start..start + place.count) };
            for (to, (max, sum)) in to.iter_mut().zip(self.max.iter().zip(self.sum)) {
                *to = max + sum.ln();
            }
        }
    }
}

vectorized! {
    fn exponentials(scores: &mut [f32], max: &mut PerQuery, sum: &mut PerQuery, correction: &mut PerQuery) {
        let before = *max;
        for row in scores.as_chunks::<QUERIES>().0 {
            for q in 0..QUERIES {
                max[q] = if row[q] > max[q] { row[q] } else { max[q] };
            }
        }
        // A query that has seen no key yet keeps −∞, which must not meet itself.
        let mut shift = [0.0; QUERIES];
        for q in 0..QUERIES {
            shift[q] = if max[q] == f32::NEG_INFINITY { 0.0 } else { max[q] };
            correction[q] = exp::<FUSED>(before[q] - shift[q]);
            sum[q] *= correction[q];
        }
        for row in scores.as_chunks_mut::<QUERIES>().0 {
            for q in 0..QUERIES {
                row[q] = exp::<FUSED>(row[q] - shift[q]);
                sum[q] += row[q];
            }
        }
    }
}
