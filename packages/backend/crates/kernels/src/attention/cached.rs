//! Attention to keys and values that are kept, as in generation: each sequence has places for a number of positions.

use super::decode;
use super::forward::{self, Outputs};
use super::{Attention, Heads, Inputs};
use crate::parallel::{for_each_range, items_per_task, Disjoint};

/// Keys and values (B, S, G·D) of the positions so far.
pub struct Cache<'a> {
    /// The keys.
    pub keys: &'a mut [f32],
    /// The values.
    pub values: &'a mut [f32],
}

/// y (B, T, H·D) ← attention of queries at `positions` (B, T) to all positions up to their own, whose keys and values
/// are in the cache (B, S, G·D), at the place of their number; first `key` and `value` (B, T, G·D) are put there.
/// `sizes.keys` is S, how many positions there is room for.
///
/// # Panics
/// If a position is outside of the cache, or those of a sequence do not follow each other.
pub fn attention(sizes: &Attention, [query, key, value]: [&[f32]; 3], positions: &[i32], cache: Cache, y: &mut [f32]) {
    let Attention { batch, num_heads, num_groups, queries, keys: room, head_size, .. } = *sizes;
    let (across, width) = (num_groups * head_size, num_heads * head_size);
    assert!(sizes.causal && sizes.dropout.is_none(), "attention to a cache is causal and drops nothing");
    assert_eq!(positions.len(), batch * queries, "positions are not (B, T)");
    assert_eq!(
        (key.len(), value.len()),
        (batch * queries * across, batch * queries * across),
        "keys are not (B, T, G·D)"
    );
    assert_eq!(cache.keys.len(), batch * room * across, "the cache is not (B, S, G·D)");
    assert_eq!(cache.values.len(), cache.keys.len(), "the cache is not (B, S, G·D)");
    if y.is_empty() {
        return;
    }
    let sequences: Vec<Sequence> = positions
        .chunks_exact(queries)
        .enumerate()
        .map(|(index, positions)| Sequence { index, start: start_of(positions, room) })
        .collect();
    for Sequence { index, start } in &sequences {
        let (from, to) = (index * queries * across, (index * room + start) * across);
        let count = queries * across;
        cache.keys[to..to + count].copy_from_slice(&key[from..from + count]);
        cache.values[to..to + count].copy_from_slice(&value[from..from + count]);
    }
    let (keys_so_far, values_so_far): (&[f32], &[f32]) = (cache.keys, cache.values);
    let y = Disjoint::new(y);
    let part = |sequence: &Sequence| {
        let (rows, kept) = (sequence.index * queries, sequence.index * room * across);
        let keys = sequence.start + queries;
        let kept = kept..kept + keys * across;
        let key = Heads { data: &keys_so_far[kept.clone()], stride: across, offset: 0 };
        let value = Heads { data: &values_so_far[kept], stride: across, offset: 0 };
        let sizes = Attention { batch: 1, keys, ..*sizes };
        let query = Heads { data: &query[rows * width..(rows + queries) * width], stride: width, offset: 0 };
        (sizes, Inputs { query, key, value }, rows * width)
    };
    let outputs = |offset: usize| Outputs { y: Heads { data: &y, stride: width, offset }, log_sum_exp: None };
    if queries > 1 {
        for sequence in &sequences {
            let (sizes, inputs, offset) = part(sequence);
            forward::tiles(&sizes, inputs, outputs(offset));
        }
        return;
    }
    let longest = sequences.iter().map(|sequence| sequence.start).max().unwrap_or(0);
    let tasks = batch * num_groups;
    for_each_range(tasks, items_per_task(tasks, 2 * longest * width / num_groups), |range| {
        for task in range {
            let (sizes, inputs, offset) = part(&sequences[task / num_groups]);
            decode::group(&sizes, inputs, outputs(offset), 0, task % num_groups);
        }
    });
}

/// A sequence of the batch and the position of its first query.
struct Sequence {
    index: usize,
    start: usize,
}

fn start_of(positions: &[i32], room: usize) -> usize {
    for (t, &position) in positions.iter().enumerate() {
        assert!(
            position >= 0 && (position as usize) < room,
            "position {position} is outside of the cache, which has room for {room}"
        );
        assert!(position as usize == positions[0] as usize + t, "positions do not follow each other: {positions:?}");
    }
    positions[0] as usize
}

#[cfg(test)]
mod tests {
    use super::super::attention as plain;
    use super::*;
    use crate::parallel::serially;
    use crate::test_support::{assert_close, random};

    /// Batch, H, G, D, the lengths of the steps that fill the cache, window.
    type Case = (usize, usize, usize, usize, &'static [usize], usize);

    const CASES: [Case; 6] = [
        (1, 1, 1, 1, &[1, 1, 1], 0),
        (1, 12, 12, 64, &[70, 1, 1, 40, 1], 0),
        (2, 4, 2, 24, &[5, 1, 33], 0),
        (1, 6, 1, 16, &[100, 1, 30, 1], 17),
        (3, 2, 2, 8, &[1; 7], 3),
        (1, 4, 4, 16, &[200, 1], 0),
    ];

    #[test]
    fn steps_add_up_to_attention_of_all_at_once() {
        for (batch, heads, groups, d, steps, window) in CASES {
            let length: usize = steps.iter().sum();
            let room = length + 3;
            let [q, k, v] =
                [(1, heads), (2, groups), (3, groups)].map(|(seed, n)| random(batch * length * n * d, seed, 1.0));
            let sizes = |queries, keys| Attention {
                batch,
                num_heads: heads,
                num_groups: groups,
                queries,
                keys,
                head_size: d,
                causal: true,
                window,
                dropout: None,
            };
            let mut expected = vec![f32::NAN; q.len()];
            plain(&sizes(length, length), &q, &k, &v, &mut expected, None);

            let (mut keys, mut values) =
                (vec![f32::NAN; batch * room * groups * d], vec![f32::NAN; batch * room * groups * d]);
            let mut start = 0;
            for &count in steps {
                let cut = |x: &[f32], width: usize| -> Vec<f32> {
                    x.chunks(length * width).flat_map(|x| &x[start * width..(start + count) * width]).copied().collect()
                };
                let inputs = [cut(&q, heads * d), cut(&k, groups * d), cut(&v, groups * d)];
                let positions: Vec<i32> = (0..batch).flat_map(|_| start as i32..(start + count) as i32).collect();
                let mut run = || {
                    let mut y = vec![f32::NAN; batch * count * heads * d];
                    let cache = Cache { keys: &mut keys, values: &mut values };
                    attention(&sizes(count, room), inputs.each_ref().map(Vec::as_slice), &positions, cache, &mut y);
                    y
                };
                let y = run();
                assert_eq!(serially(&mut run), y);
                let expected = cut(&expected, heads * d);
                assert_close(&y, |i| expected[i] as f64, 2e-5);
                start += count;
            }
        }
    }

    #[test]
    fn sequences_may_be_at_different_positions() {
        let (d, room) = (8, 6);
        let sizes = |queries| Attention {
            batch: 2,
            num_heads: 1,
            num_groups: 1,
            queries,
            keys: room,
            head_size: d,
            causal: true,
            window: 0,
            dropout: None,
        };
        let [q, k, v] = [1, 2, 3].map(|seed| random(2 * d, seed, 1.0));
        let (mut keys, mut values) = (random(2 * room * d, 4, 1.0), random(2 * room * d, 5, 1.0));
        let mut y = vec![f32::NAN; 2 * d];
        attention(&sizes(1), [&q, &k, &v], &[0, 4], Cache { keys: &mut keys, values: &mut values }, &mut y);
        assert_close(&y[..d], |i| v[i] as f64, 1e-6); // one position is seen by itself alone
        let mut expected = vec![f32::NAN; d];
        let alone = Attention { batch: 1, keys: 5, ..sizes(1) };
        plain(&alone, &q[d..], &keys[room * d..(room + 5) * d], &values[room * d..(room + 5) * d], &mut expected, None);
        assert_close(&y[d..], |i| expected[i] as f64, 1e-6);
    }

    #[test]
    #[should_panic(expected = "position 4 is outside of the cache, which has room for 4")]
    fn a_position_beyond_the_cache_is_refused() {
        let sizes = Attention {
            batch: 1,
            num_heads: 1,
            num_groups: 1,
            queries: 1,
            keys: 4,
            head_size: 2,
            causal: true,
            window: 0,
            dropout: None,
        };
        let x = [0.0; 2];
        attention(&sizes, [&x; 3], &[4], Cache { keys: &mut [0.0; 8], values: &mut [0.0; 8] }, &mut [0.0; 2]);
    }
}
