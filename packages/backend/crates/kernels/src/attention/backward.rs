//! The gradients of attention. With P the probabilities, M the dropout mask and D the sum of dy · y of each query:
//! dv = (P ∘ M)ᵀ · dy, dS = P ∘ (M ∘ (dy · vᵀ) − D), dq = dS · k / √D, dk = dSᵀ · q / √D.

use super::product::{product, Strided, WIDTH};
use super::tile::{multiply, transpose_rows, whole_rows, KeyTile, PerQuery, Place, KEYS, QUERIES};
use super::{Attention, Heads, Inputs, Saved};
use crate::math::exp;
use crate::parallel::{for_each, Disjoint};
use crate::scratch::with_scratch;
use crate::sums::sum_of_pairs;
use crate::vectorized;

/// Gradients by query, key and value, as far as they are wanted.
type Gradients<'a> = [Option<Heads<&'a Disjoint<'a, f32>>>; 3];

/// See [`super::attention_gradient`].
pub fn gradient(sizes: &Attention, inputs: Inputs, saved: Saved, gradients: Gradients) {
    sizes.check(&inputs, saved.y);
    let Attention { batch, num_heads, num_groups, queries, .. } = *sizes;
    assert_eq!(saved.dy.len(), saved.y.len(), "dy is not (B, T, H·D)");
    assert_eq!(saved.log_sum_exp.len(), batch * num_heads * queries, "logSumExp is not (B, H, T)");
    for (gradient, input) in gradients.iter().zip([inputs.query, inputs.key, inputs.value]) {
        let fits = gradient.is_none_or(|gradient| gradient.data.len() == input.data.len());
        assert!(fits, "a gradient does not have its input's shape");
    }
    // All queries of a group add to the same gradients of keys and values, in this order.
    for_each(batch * num_groups, |task| group(sizes, inputs, saved, gradients, task / num_groups, task % num_groups));
}

fn group(sizes: &Attention, inputs: Inputs, saved: Saved, gradients: Gradients, batch: usize, group: usize) {
    let Attention { queries, keys, head_size, .. } = *sizes;
    let width = head_size.next_multiple_of(WIDTH);
    let (all, tile, across, down) = (keys * width, KEYS.min(keys) * QUERIES, head_size * QUERIES, QUERIES * width);
    let lengths = [all, all, across, across, down, tile, tile, tile, KEYS.min(keys) * width, down, down];
    with_scratch(lengths, |[dk, dv, query_columns, dy_columns, dq, p, ds, factors, key, query, dy]| {
        dk.fill(0.0);
        dv.fill(0.0);
        let mut buffers = Buffers { dk, dv, query_columns, dy_columns, dq, p, ds, factors, key, query, dy };
        let heads = sizes.heads_per_group();
        for head in group * heads..(group + 1) * heads {
            for first in (0..queries).step_by(QUERIES) {
                let place = Place { batch, head, first, count: QUERIES.min(queries - first) };
                Step { sizes, inputs, saved, place, width }.run(&mut buffers, gradients[0]);
            }
        }
        for (gradient, sums, factor) in [(gradients[1], dk, sizes.scale()), (gradients[2], dv, 1.0)] {
            write_rows(gradient, sums, width, factor, (batch * keys, group * head_size, head_size));
        }
    });
}

/// Working memory of a group.
struct Buffers<'a> {
    /// Sums (S, width) for the gradients of keys and values.
    dk: &'a mut [f32],
    dv: &'a mut [f32],
    /// A tile's queries and their dy, transposed (D, 32).
    query_columns: &'a mut [f32],
    dy_columns: &'a mut [f32],
    /// (32, width)
    dq: &'a mut [f32],
    /// Probabilities, the gradients of scores and dropout factors (keys, 32).
    p: &'a mut [f32],
    ds: &'a mut [f32],
    factors: &'a mut [f32],
    /// Copies for widths that are not whole registers.
    key: &'a mut [f32],
    query: &'a mut [f32],
    dy: &'a mut [f32],
}

/// Some queries of one head: their gradients, and what they add to those of keys and values.
struct Step<'a> {
    sizes: &'a Attention,
    inputs: Inputs<'a>,
    saved: Saved<'a>,
    place: Place,
    width: usize,
}

impl Step<'_> {
    fn run(&self, buffers: &mut Buffers, gradient: Option<Heads<&Disjoint<f32>>>) {
        let Self { sizes, inputs, saved, place, width } = *self;
        let (row, column) = (place.batch * sizes.queries + place.first, place.head * sizes.head_size);
        let dy = Heads { data: saved.dy, stride: sizes.num_heads * sizes.head_size, offset: 0 };
        transpose_rows(buffers.query_columns, inputs.query, row, column, place.count, sizes.scale());
        transpose_rows(buffers.dy_columns, dy, row, column, place.count, 1.0);
        buffers.dq.fill(0.0);
        let rows = place.count * width;
        let query = whole_rows(&mut buffers.query[..rows], width, inputs.query, row, column, sizes.head_size);
        let dy = whole_rows(&mut buffers.dy[..rows], width, dy, row, column, sizes.head_size);
        let (log_sum_exp, along) = (log_sum_exp_of(sizes, saved, place), products_with_y(sizes, saved, place));
        for keys in sizes.key_tiles(place) {
            let range = ..keys.count * QUERIES;
            let (p, ds, factors) = (&mut buffers.p[range], &mut buffers.ds[range], &mut buffers.factors[range]);
            self.scores(p, inputs.key, buffers.query_columns, keys);
            sizes.mask_tile(p, keys.first, place);
            self.scores(ds, inputs.value, buffers.dy_columns, keys);
            if let Some(mask) = sizes.dropout {
                sizes.dropout_tile(mask, factors, keys.first, place);
                multiply(ds, factors);
            }
            score_gradients(ds, p, &log_sum_exp, &along);
            if sizes.dropout.is_some() {
                multiply(p, factors);
            }
            self.add_to_keys(buffers.dv, p, dy, keys);
            self.add_to_keys(buffers.dk, ds, query, keys);
            self.add_to_queries(buffers.dq, ds, buffers.key, keys);
        }
        write_rows(gradient, &buffers.dq[..rows], width, sizes.scale(), (row, column, sizes.head_size));
    }

    /// Where a tile's keys begin: row and column.
    fn start(&self, keys: KeyTile) -> (usize, usize) {
        let Self { sizes, place, .. } = *self;
        (place.batch * sizes.keys + keys.first, place.head / sizes.heads_per_group() * sizes.head_size)
    }

    /// scores (keys, 32) ← rows · columns
    fn scores(&self, scores: &mut [f32], rows: Heads<&[f32]>, columns: &[f32], keys: KeyTile) {
        let (row, column) = self.start(keys);
        let columns = Strided::rows(columns, QUERIES).skip_columns(keys.unseen);
        let size = (keys.count, QUERIES - keys.unseen, self.sizes.head_size);
        product(&mut scores[keys.unseen..], QUERIES, size, rows.rows(row, column), columns, false);
    }

    /// sums (S, width) += scores · rows of the queries
    fn add_to_keys(&self, sums: &mut [f32], scores: &[f32], rows: Strided, keys: KeyTile) {
        let size = (keys.count, self.width, self.place.count - keys.unseen);
        let scores = Strided::rows(scores, QUERIES).skip_columns(keys.unseen);
        let sums = &mut sums[keys.first * self.width..];
        product(sums, self.width, size, scores, rows.skip_rows(keys.unseen), true);
    }

    /// dq (32, width) += scoresᵀ · keys
    fn add_to_queries(&self, dq: &mut [f32], scores: &[f32], room: &mut [f32], keys: KeyTile) {
        let (row, column) = self.start(keys);
        let room = &mut room[..keys.count * self.width];
        let key = whole_rows(room, self.width, self.inputs.key, row, column, self.sizes.head_size);
        let size = (self.place.count - keys.unseen, self.width, keys.count);
        let scores = Strided::rows(scores, QUERIES).skip_columns(keys.unseen).transposed();
        product(&mut dq[keys.unseen * self.width..], self.width, size, scores, key, true);
    }
}

/// Writes `factor` times rows of which `width` numbers are there to the place (row, column) and of the size wanted.
fn write_rows(
    gradient: Option<Heads<&Disjoint<f32>>>,
    rows: &[f32],
    width: usize,
    factor: f32,
    (row, column, size): (usize, usize, usize),
) {
    let Some(gradient) = gradient else { return };
    for (i, from) in rows.chunks_exact(width).enumerate() {
        // SAFETY: the rows of keys of a group, and of queries of a head, are one task's.
        let to = unsafe { gradient.row(row + i, column, size) };
        to.iter_mut().zip(from).for_each(|(to, from)| *to = factor * from);
    }
}

/// The log-sum-exp of each query; +∞ for those that are missing, whose probabilities are 0.
fn log_sum_exp_of(sizes: &Attention, saved: Saved, place: Place) -> PerQuery {
    let start = (place.batch * sizes.num_heads + place.head) * sizes.queries + place.first;
    let mut result = [f32::INFINITY; QUERIES];
    result[..place.count].copy_from_slice(&saved.log_sum_exp[start..start + place.count]);
    result
}

/// Σ dy · y of each query: what its probabilities times their gradients sum up to.
fn products_with_y(sizes: &Attention, saved: Saved, place: Place) -> PerQuery {
    let stride = sizes.num_heads * sizes.head_size;
    let start = (place.batch * sizes.queries + place.first) * stride + place.head * sizes.head_size;
    let mut result = [0.0; QUERIES];
    products_of_rows(&mut result[..place.count], &saved.dy[start..], &saved.y[start..], stride, sizes.head_size);
    result
}

vectorized! {
    fn products_of_rows(result: &mut [f32], a: &[f32], b: &[f32], stride: usize, size: usize) {
        for (i, result) in result.iter_mut().enumerate() {
            let range = i * stride..i * stride + size;
            *result = sum_of_pairs(&a[range.clone()], &b[range], |a, b| a * b);
        }
    }
}

vectorized! {
    /// p ← exp(p − log_sum_exp) and ds ← p · (ds − along)
    fn score_gradients(ds: &mut [f32], p: &mut [f32], log_sum_exp: &PerQuery, along: &PerQuery) {
        for (ds, p) in ds.as_chunks_mut::<QUERIES>().0.iter_mut().zip(p.as_chunks_mut::<QUERIES>().0) {
            for q in 0..QUERIES {
                p[q] = exp::<FUSED>(p[q] - log_sum_exp[q]);
                ds[q] = p[q] * (ds[q] - along[q]);
            }
        }
    }
}
