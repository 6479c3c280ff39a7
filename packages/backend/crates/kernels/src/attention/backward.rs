//! The gradients of attention. With P the probabilities, M the dropout mask and D the sum of dy · y of each query:
//! dv = (P ∘ M)ᵀ · dy, dS = P ∘ (M ∘ (dy · vᵀ) − D), dq = dS · k / √D, dk = dSᵀ · q / √D.

use super::product::{product, Strided, WIDTH};
use super::scratch::with_scratch;
use super::tile::{copy_rows, multiply, scale, transpose_rows, PerQuery, Place, KEYS, QUERIES};
use super::{Attention, Heads, Inputs, Saved};
use crate::math::exp;
use crate::parallel::{for_each, Disjoint};
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
    let (columns, rows, tile) = (head_size * QUERIES, QUERIES * width, KEYS.min(keys));
    let scores = tile * QUERIES;
    let all = keys * width;
    let lengths = [all, all, all, columns, rows, columns, rows, rows, scores, scores, scores];
    with_scratch(lengths, |[key, dk, dv, query_columns, query, dy_columns, dy, dq, p, ds, factors]| {
        let mut buffers = Buffers { key, dk, dv, query_columns, query, dy_columns, dy, dq, p, ds, factors };
        copy_rows(buffers.key, width, inputs.key, batch * keys, group * head_size, head_size);
        buffers.dk.fill(0.0);
        buffers.dv.fill(0.0);
        let heads = sizes.heads_per_group();
        for head in group * heads..(group + 1) * heads {
            for first in (0..queries).step_by(QUERIES) {
                let place = Place { batch, head, first, count: QUERIES.min(queries - first) };
                Step { sizes, inputs, saved, place, width }.run(&mut buffers, gradients[0]);
            }
        }
        scale(buffers.dk, sizes.scale());
        for (gradient, sums) in gradients[1..].iter().zip([buffers.dk, buffers.dv]) {
            let Some(gradient) = gradient else { continue };
            for (s, sums) in sums.chunks_exact(width).enumerate() {
                // SAFETY: each group of each sequence is one task's.
                let to = unsafe { gradient.row(batch * keys + s, group * head_size, head_size) };
                to.copy_from_slice(&sums[..head_size]);
            }
        }
    });
}

/// Working memory: `_columns` transposed (D, 32), scores (keys, 32), the rest in rows of whole registers.
struct Buffers<'a> {
    key: &'a mut [f32],
    dk: &'a mut [f32],
    dv: &'a mut [f32],
    query_columns: &'a mut [f32],
    query: &'a mut [f32],
    dy_columns: &'a mut [f32],
    dy: &'a mut [f32],
    dq: &'a mut [f32],
    p: &'a mut [f32],
    ds: &'a mut [f32],
    factors: &'a mut [f32],
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
    fn run(&self, buffers: &mut Buffers, dq_rows: Option<Heads<&Disjoint<f32>>>) {
        let (sizes, place, size) = (self.sizes, self.place, self.sizes.head_size);
        self.load(buffers);
        let (log_sum_exp, along) =
            (log_sum_exp_of(sizes, self.saved, place), products_with_y(sizes, self.saved, place));
        let seen = sizes.keys_seen(place);
        for first in seen.clone().step_by(KEYS) {
            self.keys(buffers, first, KEYS.min(seen.end - first), &log_sum_exp, &along);
        }
        let Some(dq_rows) = dq_rows else { return };
        let row = place.batch * sizes.queries + place.first;
        for (i, dq) in buffers.dq.chunks_exact(self.width).take(place.count).enumerate() {
            // SAFETY: each query of each head is one task's.
            let to = unsafe { dq_rows.row(row + i, place.head * size, size) };
            to.iter_mut().zip(dq).for_each(|(to, dq)| *to = dq * sizes.scale());
        }
    }

    fn load(&self, buffers: &mut Buffers) {
        let (sizes, Place { batch, head, first, count }) = (self.sizes, self.place);
        let (row, column) = (batch * sizes.queries + first, head * sizes.head_size);
        let query = self.inputs.query;
        let dy = Heads { data: self.saved.dy, stride: sizes.num_heads * sizes.head_size, offset: 0 };
        transpose_rows(buffers.query_columns, query, row, column, count, sizes.scale());
        transpose_rows(buffers.dy_columns, dy, row, column, count, 1.0);
        copy_rows(&mut buffers.query[..count * self.width], self.width, query, row, column, sizes.head_size);
        copy_rows(&mut buffers.dy[..count * self.width], self.width, dy, row, column, sizes.head_size);
        buffers.dq.fill(0.0);
    }

    fn keys(&self, buffers: &mut Buffers, first: usize, count: usize, log_sum_exp: &PerQuery, along: &PerQuery) {
        let (sizes, place, width, size) = (self.sizes, self.place, self.width, self.sizes.head_size);
        let row = place.batch * sizes.keys + first;
        let column = place.head / sizes.heads_per_group() * size;
        let range = first * width..(first + count) * width;
        let key = &buffers.key[range.clone()];
        let [p, ds, factors] =
            [&mut *buffers.p, &mut *buffers.ds, &mut *buffers.factors].map(|tile| &mut tile[..count * QUERIES]);
        product(
            p,
            (count, QUERIES, size),
            Strided { data: key, row: width, column: 1 },
            (buffers.query_columns, QUERIES),
            false,
        );
        sizes.mask_tile(p, first, place);
        let value = self.inputs.value;
        let value = Strided { data: value.from(row, column), row: value.stride, column: 1 };
        product(ds, (count, QUERIES, size), value, (buffers.dy_columns, QUERIES), false);
        if let Some(mask) = sizes.dropout {
            sizes.dropout_tile(mask, factors, first, place);
            multiply(ds, factors);
        }
        score_gradients(ds, p, log_sum_exp, along);
        if sizes.dropout.is_some() {
            multiply(p, factors);
        }
        let down = |data| Strided { data, row: QUERIES, column: 1 };
        product(&mut buffers.dv[range.clone()], (count, width, place.count), down(p), (buffers.dy, width), true);
        product(&mut buffers.dk[range], (count, width, place.count), down(ds), (buffers.query, width), true);
        let across = Strided { data: ds, row: 1, column: QUERIES };
        product(buffers.dq, (place.count, width, count), across, (key, width), true);
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
