use super::*;
use crate::test_support::{assert_close, random};

const NONE: Attention = Attention {
    batch: 2,
    num_heads: 2,
    num_groups: 2,
    queries: 5,
    keys: 5,
    head_size: 3,
    causal: false,
    window: 0,
    dropout: None,
};

const CAUSAL: Attention = Attention { causal: true, ..NONE };

fn cases() -> Vec<Attention> {
    let dropout = Some(DropoutMask::new(0.3, 7));
    let square = |size: usize| Attention { queries: size, keys: size, ..CAUSAL };
    let mut cases = vec![
        NONE,
        CAUSAL,
        Attention { batch: 0, ..NONE },
        Attention { queries: 0, ..NONE },
        Attention { num_heads: 6, num_groups: 2, ..CAUSAL },
        Attention { num_heads: 4, num_groups: 1, dropout, ..CAUSAL },
        Attention { queries: 3, keys: 150, head_size: 17, ..NONE },
        Attention { queries: 70, keys: 3, ..NONE },
        Attention { queries: 40, keys: 300, head_size: 48, dropout, ..CAUSAL },
        Attention { queries: 1, keys: 200, num_heads: 4, head_size: 40, ..CAUSAL },
        Attention { queries: 1, keys: 200, num_heads: 4, window: 70, dropout, ..CAUSAL },
        Attention { queries: 1, keys: 1, dropout, ..NONE },
        Attention { batch: 1, queries: 320, keys: 320, head_size: 64, ..CAUSAL },
    ];
    cases.extend([1, 2, 31, 32, 33, 64, 129].map(square));
    cases.extend([1, 2, 32, 40, 200].map(|window| Attention { window, ..square(170) }));
    cases.extend([1, 30].map(|window| Attention { window, keys: 250, queries: 90, num_heads: 4, dropout, ..CAUSAL }));
    cases
}

fn inputs(sizes: &Attention) -> [Vec<f32>; 4] {
    let Attention { batch, num_heads, num_groups, queries, keys, head_size, .. } = *sizes;
    let (q, k) = (batch * queries * num_heads * head_size, batch * keys * num_groups * head_size);
    [random(q, 1, 2.0), random(k, 2, 2.0), random(k, 3, 1.0), random(q, 4, 1.0)]
}

struct Expected {
    y: Vec<f64>,
    log_sum_exp: Vec<f64>,
    gradients: [Vec<f64>; 3],
}

/// The definition, one query after the other.
fn reference(sizes: &Attention, [query, key, value, dy]: &[Vec<f32>; 4]) -> Expected {
    let Attention { batch, num_heads: h, num_groups: g, queries, keys, head_size: d, .. } = *sizes;
    let scale = 1.0 / (d as f64).sqrt();
    let mut result = Expected {
        y: vec![0.0; query.len()],
        log_sum_exp: vec![],
        gradients: [vec![0.0; query.len()], vec![0.0; key.len()], vec![0.0; value.len()]],
    };
    for (b, head, t) in (0..batch).flat_map(|b| (0..h).flat_map(move |head| (0..queries).map(move |t| (b, head, t)))) {
        let q_at = ((b * queries + t) * h + head) * d;
        let k_at = |s: usize| ((b * keys + s) * g + head * g / h) * d;
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| *a as f64 * *b as f64).sum::<f64>();
        let end = if sizes.causal { t + keys - queries } else { usize::MAX };
        let seen = |s: usize| s <= end && (sizes.window == 0 || s + sizes.window > end);
        let score =
            |s: usize| if seen(s) { scale * dot(&query[q_at..][..d], &key[k_at(s)..]) } else { f64::NEG_INFINITY };
        let log_sum_exp = (0..keys).map(|s| score(s).exp()).sum::<f64>().ln();
        let index = ((b * h + head) * queries + t) * keys;
        let mask = |s: usize| sizes.dropout.map_or(1.0, |mask| mask.factor((index + s) as u32) as f64);
        let p = |s: usize| (score(s) - log_sum_exp).exp();
        let dp = |s: usize| mask(s) * dot(&dy[q_at..][..d], &value[k_at(s)..]);
        let along: f64 = (0..keys).map(|s| p(s) * dp(s)).sum();
        for s in 0..keys {
            let ds = p(s) * (dp(s) - along) * scale;
            for i in 0..d {
                result.y[q_at + i] += p(s) * mask(s) * value[k_at(s) + i] as f64;
                result.gradients[0][q_at + i] += ds * key[k_at(s) + i] as f64;
                result.gradients[1][k_at(s) + i] += ds * query[q_at + i] as f64;
                result.gradients[2][k_at(s) + i] += p(s) * mask(s) * dy[q_at + i] as f64;
            }
        }
        result.log_sum_exp.push(log_sum_exp);
    }
    result
}

const TOLERANCE: f64 = 1e-5;

#[test]
fn equals_the_definition() {
    for sizes in cases() {
        println!("{sizes:?}");
        let inputs = inputs(&sizes);
        let expected = reference(&sizes, &inputs);
        let [query, key, value, dy] = &inputs;
        let mut y = vec![f32::NAN; query.len()];
        let mut log_sum_exp = vec![f32::NAN; expected.log_sum_exp.len()];
        attention(&sizes, query, key, value, &mut y, Some(&mut log_sum_exp));
        assert_close(&y, |i| expected.y[i], TOLERANCE);
        assert_close(&log_sum_exp, |i| expected.log_sum_exp[i], TOLERANCE);

        let mut gradients = [query, key, value].map(|input| vec![f32::NAN; input.len()]);
        let saved = Saved { dy, y: &y, log_sum_exp: &log_sum_exp };
        attention_gradient(&sizes, [query, key, value], saved, gradients.each_mut().map(|g| Some(&mut g[..])));
        for (gradient, expected) in gradients.iter().zip(&expected.gradients) {
            assert_close(gradient, |i| expected[i], TOLERANCE);
        }
    }
}

/// Rows of several matrices side by side.
fn side_by_side(parts: [(&[f32], usize); 3]) -> Vec<f32> {
    let rows = parts[0].0.len() / parts[0].1;
    (0..rows)
        .flat_map(|row| parts.iter().flat_map(move |(part, width)| part[row * width..][..*width].iter()))
        .copied()
        .collect()
}

#[test]
fn side_by_side_is_the_same_bit_for_bit() {
    for sizes in cases().into_iter().filter(|sizes| sizes.queries == sizes.keys) {
        let [query, key, value, dy] = &inputs(&sizes);
        let (across, along) = (sizes.num_heads * sizes.head_size, sizes.num_groups * sizes.head_size);
        let pack = |[q, k, v]: [&[f32]; 3]| side_by_side([(q, across), (k, along), (v, along)]);
        let qkv = pack([query, key, value]);
        let (mut y, mut packed_y) = (vec![0.0; query.len()], vec![0.0; query.len()]);
        let mut log_sum_exp = vec![0.0; sizes.batch * sizes.num_heads * sizes.queries];
        attention(&sizes, query, key, value, &mut y, Some(&mut log_sum_exp));
        self_attention(&sizes, &qkv, &mut packed_y, None);
        assert_eq!(y, packed_y);

        let saved = Saved { dy, y: &y, log_sum_exp: &log_sum_exp };
        let mut gradients = [query, key, value].map(|input| vec![0.0; input.len()]);
        attention_gradient(&sizes, [query, key, value], saved, gradients.each_mut().map(|g| Some(&mut g[..])));
        let mut dqkv = vec![f32::NAN; qkv.len()];
        self_attention_gradient(&sizes, &qkv, saved, &mut dqkv);
        assert_eq!(dqkv, pack(gradients.each_ref().map(|g| &g[..])));
    }
}

#[test]
fn no_keys_sum_to_nothing() {
    let sizes = Attention { keys: 0, ..NONE };
    let query = random(60, 1, 1.0);
    let (mut y, mut dq) = (vec![f32::NAN; 60], vec![f32::NAN; 60]);
    let mut log_sum_exp = vec![f32::NAN; 20];
    attention(&sizes, &query, &[], &[], &mut y, Some(&mut log_sum_exp));
    assert_eq!(y, [0.0; 60]);
    let saved = Saved { dy: &query, y: &y, log_sum_exp: &log_sum_exp };
    attention_gradient(&sizes, [&query, &[], &[]], saved, [Some(&mut dq), None, None]);
    assert_eq!(dq, [0.0; 60]);
}

#[test]
fn what_is_no_number_stays_none() {
    for queries in [1, 40] {
        let sizes = Attention { batch: 1, num_heads: 1, num_groups: 1, queries, keys: 200, ..CAUSAL };
        for (which, bad) in [(0, f32::NAN), (1, f32::NAN), (2, f32::NAN), (0, f32::INFINITY)] {
            let mut inputs = inputs(&sizes);
            inputs[which][0] = bad;
            let mut y = vec![0.0; inputs[0].len()];
            attention(&sizes, &inputs[0], &inputs[1], &inputs[2], &mut y, None);
            assert!(y[0].is_nan(), "{bad} in input {which} gives {}", y[0]);
        }
    }
}

#[test]
fn large_scores_do_not_overflow() {
    let sizes = Attention { queries: 40, keys: 200, ..CAUSAL };
    let [query, key, value, _] = inputs(&sizes);
    let large = |x: Vec<f32>| x.iter().map(|x| x * 1e3).collect::<Vec<_>>();
    let mut y = vec![0.0; query.len()];
    attention(&sizes, &large(query), &large(key), &value, &mut y, None);
    assert!(y.iter().all(|y| y.abs() <= 1.0), "weighted means leave the range of the values");
}

#[test]
fn threads_do_not_change_a_bit() {
    let sizes = Attention { queries: 170, keys: 170, head_size: 20, dropout: Some(DropoutMask::new(0.2, 3)), ..CAUSAL };
    let [query, key, value, dy] = &inputs(&sizes);
    let run = || {
        let mut y = vec![0.0; query.len()];
        let mut log_sum_exp = vec![0.0; sizes.batch * sizes.num_heads * sizes.queries];
        attention(&sizes, query, key, value, &mut y, Some(&mut log_sum_exp));
        let mut gradients = [query, key, value].map(|input| vec![0.0; input.len()]);
        let saved = Saved { dy, y: &y, log_sum_exp: &log_sum_exp };
        attention_gradient(&sizes, [query, key, value], saved, gradients.each_mut().map(|g| Some(&mut g[..])));
        (y, gradients)
    };
    assert!(run() == crate::parallel::serially(run));
}
