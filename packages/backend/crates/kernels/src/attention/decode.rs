//! Attention of a single query, as in generation: keys and values are read once.

use super::forward::Outputs;
use super::tile::Place;
use super::{Attention, Inputs};
use crate::math::exp;
use crate::parallel::for_each;
use crate::prefetch::prefetch;
use crate::scratch::with_scratch;
use crate::simd::{fma, sum_lanes, LANES};
use crate::vectorized;

/// How many keys are taken at a time.
const KEYS: usize = 64;

/// How many rows ahead the processor is told what comes: rows of a head lie too far apart for it to guess.
const AHEAD: usize = 8;

/// Attention where T = 1. All heads of a group read each key while it is in the cache.
pub fn decode(sizes: &Attention, inputs: Inputs, outputs: Outputs) {
    let Attention { batch, num_groups, .. } = *sizes;
    for_each(batch * num_groups, |task| group(sizes, inputs, outputs, task / num_groups, task % num_groups));
}

/// The heads of one group of one sequence.
pub fn group(sizes: &Attention, inputs: Inputs, outputs: Outputs, batch: usize, group: usize) {
    let Attention { keys, head_size, .. } = *sizes;
    let heads = sizes.heads_per_group();
    with_scratch([heads * head_size, heads * 2], |[query, softmax]| {
        let first = group * heads;
        for (q, &x) in query.iter_mut().zip(inputs.query.from(batch, first * head_size)) {
            *q = x * sizes.scale();
        }
        // SAFETY: each group of each sequence is one task's.
        let y = unsafe { outputs.y.row(batch, first * head_size, heads * head_size) };
        y.fill(0.0);
        softmax.as_chunks_mut::<2>().0.fill([f32::NEG_INFINITY, 0.0]);
        let seen = sizes.keys_of(0);
        for first_key in seen.clone().step_by(KEYS) {
            let count = KEYS.min(seen.end - first_key);
            let row = batch * keys + first_key;
            let (key, value) = (inputs.key.from(row, group * head_size), inputs.value.from(row, group * head_size));
            for (i, [max, sum]) in softmax.as_chunks_mut::<2>().0.iter_mut().enumerate() {
                let range = i * head_size..(i + 1) * head_size;
                let mut p = [0.0; KEYS];
                let p = &mut p[..count];
                let is_first = i == 0; // the group's other heads find the rows in the cache
                scores(p, &query[range.clone()], key, inputs.key.stride, is_first);
                let correction = exponentials(p, max, sum);
                if let Some(mask) = sizes.dropout {
                    let place = Place { batch, head: first + i, first: 0, count: 1 };
                    let start = sizes.first_probability(place) + first_key;
                    p.iter_mut().enumerate().for_each(|(s, p)| *p *= mask.factor((start + s) as u32));
                }
                add_values(&mut y[range], correction, p, value, inputs.value.stride, is_first);
            }
        }
        for (y, [_, sum]) in y.chunks_exact_mut(head_size).zip(softmax.as_chunks::<2>().0) {
            y.iter_mut().for_each(|y| *y /= sum);
        }
        if let Some(log_sum_exp) = outputs.log_sum_exp {
            let start = batch * sizes.num_heads + first;
            // SAFETY: as above.
            let to = unsafe { log_sum_exp.range(start..start + heads) };
            to.iter_mut().zip(softmax.as_chunks::<2>().0).for_each(|(to, [max, sum])| *to = max + sum.ln());
        }
    });
}

vectorized! {
    /// p[s] ← query · key[s]
    fn scores(p: &mut [f32], query: &[f32], key: &[f32], stride: usize, fetches: bool) {
        for (s, p) in p.iter_mut().enumerate() {
            if fetches {
                fetch(key, (s + AHEAD) * stride, query.len());
            }
            let key = &key[s * stride..][..query.len()];
            let ((q, q_rest), (k, k_rest)) = (query.as_chunks::<LANES>(), key.as_chunks::<LANES>());
            let mut sums = [0.0; LANES];
            for (q, k) in q.iter().zip(k) {
                for i in 0..LANES {
                    sums[i] = fma::<FUSED>(q[i], k[i], sums[i]);
                }
            }
            for (sum, (q, k)) in sums.iter_mut().zip(q_rest.iter().zip(k_rest)) {
                *sum = fma::<FUSED>(*q, *k, *sum);
            }
            *p = sum_lanes(sums);
        }
    }
}

vectorized! {
    /// p ← exp(p − max), with maximum and sum brought up to date. Returns what earlier results must be multiplied by.
    fn exponentials(p: &mut [f32], max: &mut f32, sum: &mut f32) -> f32 {
        let before = *max;
        *max = p.iter().fold(before, |max, &x| if x > max { x } else { max });
        let shift = if *max == f32::NEG_INFINITY { 0.0 } else { *max };
        for p in p.iter_mut() {
            *p = exp::<FUSED>(*p - shift);
        }
        let correction = exp::<FUSED>(before - shift);
        *sum = *sum * correction + p.iter().sum::<f32>();
        correction
    }
}

vectorized! {
    /// y ← correction · y + Σ p[s] · value[s], four values at a time, so that y is not written as often.
    fn add_values(y: &mut [f32], correction: f32, p: &[f32], value: &[f32], stride: usize, fetches: bool) {
        for y in y.iter_mut() {
            *y *= correction;
        }
        let size = y.len();
        let row = |s: usize| &value[s * stride..][..size];
        let (fours, rest) = p.as_chunks::<4>();
        for (i, p) in fours.iter().enumerate() {
            for s in if fetches { 0..4 } else { 0..0 } {
                fetch(value, (4 * i + s + AHEAD) * stride, size);
            }
            let [a, b, c, d] = [0, 1, 2, 3].map(|s| row(4 * i + s));
            for j in 0..size {
                let first = fma::<FUSED>(p[1], b[j], p[0] * a[j]);
                let second = fma::<FUSED>(p[3], d[j], p[2] * c[j]);
                y[j] += first + second;
            }
        }
        for (s, p) in (p.len() - rest.len()..).zip(rest) {
            for (y, v) in y.iter_mut().zip(row(s)) {
                *y = fma::<FUSED>(*p, *v, *y);
            }
        }
    }
}

/// Has a row fetched, if there is one.
#[inline(always)]
fn fetch(rows: &[f32], start: usize, size: usize) {
    if let Some(row) = rows.get(start..start + size) {
        prefetch(row);
    }
}
