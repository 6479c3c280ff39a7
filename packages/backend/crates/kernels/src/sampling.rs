//! One token from a model's distribution, exactly as the portable sampling chooses it: in double precision, with sums in
//! the order of the tokens.

use crate::parallel::{for_each_chunk, items_per_task};

/// How a distribution is made from logits.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Divides the logits; at 0 the likeliest token is taken, the first of equals.
    pub temperature: f64,
    /// Only this many of the likeliest tokens are kept, and those that equal the last of them.
    pub top_k: usize,
    /// Only the smallest set of likeliest tokens whose probabilities add up to this is kept (Holtzman et al. 2020).
    pub top_p: f64,
    /// Only tokens at least this many times as likely as the likeliest are kept (Nguyen et al. 2024).
    pub min_p: f64,
}

/// One token for each row of `tokens.len()` rows of logits, from a number of [0, 1) each. A row from which no token can
/// be sampled gets −1 − t if its first logit that is NaN or +∞ is that of token t, and −1 − its length if none is finite.
pub fn sample_rows(logits: &[f32], options: Options, uniforms: &[f32], tokens: &mut [i32]) {
    let size = logits.len() / tokens.len();
    for ((token, row), &uniform) in tokens.iter_mut().zip(logits.chunks_exact(size)).zip(uniforms) {
        *token = match sample(row, options, uniform as f64) {
            Ok(token) => token as i32,
            Err(damaged) => -1 - damaged as i32,
        };
    }
}

/// The token on which a number from [0, 1) falls when the probabilities softmax(logits / temperature) of those that
/// `top_k`, then `top_p`, then `min_p` keep are laid side by side.
///
/// # Errors
/// The first token whose logit is NaN or +∞; how many tokens there are if no logit is finite.
fn sample(logits: &[f32], options: Options, uniform: f64) -> Result<usize, usize> {
    let best = index_of_greatest(logits)?;
    if options.temperature == 0.0 {
        return Ok(best);
    }
    let mut weights = vec![0.0; logits.len()];
    let size = items_per_task(logits.len(), 32);
    for_each_chunk(&mut weights, size, |task, weights| {
        for (weight, logit) in weights.iter_mut().zip(&logits[task * size..]) {
            *weight = ((*logit as f64 - logits[best] as f64) / options.temperature).exp();
        }
    });
    if options.top_k < logits.len() {
        keep_top_k(&mut weights, options.top_k);
    }
    normalize(&mut weights);
    if options.top_p < 1.0 {
        keep_top_p(&mut weights, options.top_p);
        normalize(&mut weights);
    }
    if options.min_p > 0.0 {
        keep_min_p(&mut weights, options.min_p);
        normalize(&mut weights);
    }
    Ok(pick(&weights, uniform))
}

fn index_of_greatest(logits: &[f32]) -> Result<usize, usize> {
    let mut best = logits.len();
    let mut greatest = f32::NEG_INFINITY;
    for (token, &logit) in logits.iter().enumerate() {
        if logit > greatest {
            (best, greatest) = (token, logit);
        }
        if logit.is_nan() || logit == f32::INFINITY {
            return Err(token);
        }
    }
    if best == logits.len() {
        return Err(best);
    }
    Ok(best)
}

fn keep_top_k(weights: &mut [f64], count: usize) {
    let mut ordered = weights.to_vec();
    let (_, &mut least, _) = ordered.select_nth_unstable_by(weights.len() - count, f64::total_cmp);
    for weight in weights {
        if *weight < least {
            *weight = 0.0;
        }
    }
}

/// Drops the least likely tokens, of equals the first ones first, for as long as those dropped add up to at most
/// 1 − mass; always leaves one.
fn keep_top_p(probabilities: &mut [f64], mass: f64) {
    let mut ascending: Vec<f64> = probabilities.iter().copied().filter(|p| *p > 0.0).collect();
    ascending.sort_unstable_by(f64::total_cmp);
    let mut dropped = 0;
    let mut sum = ascending[0];
    while sum <= 1.0 - mass && dropped < ascending.len() - 1 {
        dropped += 1;
        sum += ascending[dropped];
    }
    let least = ascending[dropped];
    let mut equals_to_drop = dropped - ascending.partition_point(|p| *p < least);
    for p in probabilities {
        if *p == least && equals_to_drop > 0 {
            equals_to_drop -= 1;
            *p = 0.0;
        } else if *p < least {
            *p = 0.0;
        }
    }
}

fn keep_min_p(probabilities: &mut [f64], share: f64) {
    let least = share * probabilities.iter().copied().fold(0.0, f64::max);
    for p in probabilities {
        if *p < least {
            *p = 0.0;
        }
    }
}

fn normalize(weights: &mut [f64]) {
    let sum = weights.iter().fold(0.0, |sum, weight| sum + weight);
    for weight in weights {
        *weight /= sum;
    }
}

fn pick(probabilities: &[f64], uniform: f64) -> usize {
    let mut last = 0;
    let mut sum = 0.0;
    for (token, &p) in probabilities.iter().enumerate().filter(|(_, p)| **p > 0.0) {
        sum += p;
        if uniform < sum {
            return token;
        }
        last = token;
    }
    last // rounding left the sum a little below 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::random;

    const ALL: Options = Options { temperature: 1.0, top_k: usize::MAX, top_p: 1.0, min_p: 0.0 };
    const INF: f32 = f32::INFINITY;

    /// How often each token is chosen by 1,000 numbers at equal distances.
    fn counts(logits: &[f32], options: Options) -> Vec<usize> {
        let mut counts = vec![0; logits.len()];
        for i in 0..1000 {
            counts[sample(logits, options, (i as f64 + 0.5) / 1000.0).unwrap()] += 1;
        }
        counts
    }

    #[test]
    fn tokens_follow_the_distribution() {
        let logits = [0.1f32, 0.2, 0.0, 0.7].map(f32::ln);
        assert_eq!(counts(&logits, ALL), [100, 200, 0, 700]);
        let squared = Options { temperature: 0.5, ..ALL };
        assert_eq!(counts(&logits, squared), [19, 74, 0, 907]); // 1, 4 and 49 of 54
    }

    #[test]
    fn top_k_keeps_the_likeliest_and_their_equals() {
        let kept = |logits: &[f32], top_k| counts(logits, Options { top_k, ..ALL });
        assert_eq!(kept(&[3.0, 1.0, 3.0, 2.0], 2), [500, 0, 500, 0]);
        assert_eq!(kept(&[2.0, 2.0, 0.0, 2.0, 2.0], 1), [250, 250, 0, 250, 250]);
        assert_eq!(kept(&[0.0, 0.0], 5), [500, 500]);
    }

    #[test]
    fn top_p_keeps_no_more_than_it_needs() {
        let kept = |logits: &[f32], top_p| counts(logits, Options { top_p, ..ALL });
        assert_eq!(kept(&[0.0; 4], 0.5), [0, 0, 500, 500]);
        assert_eq!(kept(&[0.0, 9.0, 0.0], 1e-9), [0, 1000, 0]);
        assert_eq!(kept(&[0.5f32, 0.3, 0.2].map(f32::ln), 0.75), [625, 375, 0]);
        assert_eq!(counts(&[1.0, 1.0, 0.5, 0.0], Options { top_k: 2, top_p: 0.4, ..ALL }), [0, 1000, 0, 0]);
    }

    #[test]
    fn min_p_is_a_share_of_the_greatest() {
        let kept = |logits: &[f32], options| counts(&logits.iter().map(|p| p.ln()).collect::<Vec<_>>(), options);
        assert_eq!(kept(&[0.5, 0.3, 0.2], Options { min_p: 0.5, ..ALL }), [625, 375, 0]);
        assert_eq!(kept(&[0.5, 0.3, 0.2], Options { min_p: 1.0, ..ALL }), [1000, 0, 0]);
        assert_eq!(kept(&[0.25; 4], Options { min_p: 1.0, top_p: 0.5, ..ALL }), [0, 0, 500, 500]);
    }

    #[test]
    fn without_temperature_the_first_of_the_greatest_is_taken() {
        assert_eq!(sample(&[1.0, 3.0, 2.0, 3.0], Options { temperature: 0.0, ..ALL }, 0.99), Ok(1));
    }

    #[test]
    fn extremes_stay_a_distribution() {
        assert_eq!(counts(&[-INF, 0.0, -INF, 0.0], ALL), [0, 500, 0, 500]);
        assert_eq!(sample(&[1e30, 0.0, -1e30], Options { temperature: 1e-3, ..ALL }, 0.999_999), Ok(0));
        assert_eq!(sample(&[0.0; 7], ALL, 1.0), Ok(6));
        let many = random(50_257, 1, 10.0);
        let token = sample(&many, Options { top_k: 50, top_p: 0.9, ..ALL }, 0.5).unwrap();
        assert!(many.iter().filter(|logit| **logit > many[token]).count() < 50);
    }

    #[test]
    fn rows_are_sampled_on_their_own_and_damaged_ones_are_named() {
        let nan = f32::NAN;
        let logits = [0.0, 1.0, 0.0, nan, 0.0, 0.0, INF, nan, 0.0, -INF, -INF, -INF, -INF, -INF, 0.0];
        let mut tokens = [7; 5];
        sample_rows(&logits, Options { temperature: 0.0, ..ALL }, &[0.5; 5], &mut tokens);
        assert_eq!(tokens, [1, -1, -1, -4, 2]);
        sample_rows(&[0.0, 0.0, 0.0, nan], ALL, &[0.75, 0.0], &mut tokens[..2]);
        assert_eq!(tokens[..2], [1, -2]);
    }
}
