//! A language model's head and its loss, in chunks of rows.

use crate::cross_entropy::require_targets;
use crate::math::exp;
use crate::matmul::{multiply, Matrix};
use crate::parallel::{for_each_chunk, for_each_range, items_per_task, Disjoint};
use crate::simd::{sum_lanes, LANES};
use crate::sums::{max_of, sum_of};
use crate::vectorized;
use std::borrow::Cow;
use std::ops::Range;

/// Where the gradients are written; an empty one is not wanted.
pub struct Gradients<'a> {
    /// (N, C)
    pub hidden: &'a mut [f32],
    /// (V, C)
    pub weight: &'a mut [f32],
}

/// Σ over rows n with targets[n] ≥ 0 of log Σ exp(logits[n]) − logits[n, targets[n]], for logits = hidden · weightᵀ,
/// and its gradients.
///
/// hidden is (N, C), weight (V, C), targets (N), each in [0, V) or −1 to ignore the row, whatever it holds. The logits
/// exist only for as many rows at a time as `scratch` has place for; at least one.
///
/// # Panics
/// If a target is not in [−1, V).
pub fn forward(hidden: &[f32], weight: Matrix, targets: &[i32], scratch: &mut [f32], gradients: Gradients) -> f32 {
    let (vocab_size, width) = weight.shape();
    assert_eq!(hidden.len(), targets.len() * width, "the head has a target for each row of {width} numbers");
    require_targets(targets, vocab_size);
    let Gradients { hidden: hidden_gradient, weight: weight_gradient } = gradients;
    assert!([0, hidden.len()].contains(&hidden_gradient.len()), "the gradient of hidden has its size");
    assert!([0, vocab_size * width].contains(&weight_gradient.len()), "the gradient of weight has its size");
    hidden_gradient.fill(0.0);
    let counted = (0..targets.len()).filter(|&row| targets[row] >= 0).collect::<Vec<_>>();
    let place = scratch.len().checked_div(vocab_size).unwrap_or(0);
    assert!(counted.is_empty() || place > 0, "there is no place for a row of {vocab_size} logits");
    if counted.is_empty() {
        weight_gradient.fill(0.0);
    }
    // Equal chunks: a last one of a few rows would still cost a pass over the whole weight gradient.
    let chunk = counted.len().div_ceil(counted.len().div_ceil(place.max(1)).max(1)).max(1);
    let mut loss = 0.0;
    for (index, rows) in counted.chunks(chunk).enumerate() {
        let chunk = Chunk { rows, width, hidden: gather(hidden, width, rows), weight };
        let logits = &mut scratch[..rows.len() * vocab_size];
        multiply(logits, chunk.hidden(), weight.transposed(), false);
        let wanted = !hidden_gradient.is_empty() || !weight_gradient.is_empty();
        loss += chunk.losses(logits, targets, wanted);
        if !hidden_gradient.is_empty() {
            chunk.add_hidden_gradient(logits, hidden_gradient);
        }
        if !weight_gradient.is_empty() {
            let d_logits = Matrix::new(logits, rows.len(), vocab_size);
            multiply(weight_gradient, d_logits.transposed(), chunk.hidden(), index > 0);
        }
    }
    loss as f32
}

/// Some rows of hidden.
struct Chunk<'a> {
    /// Where they come from.
    rows: &'a [usize],
    width: usize,
    /// Copied only if there are ignored ones between them.
    hidden: Cow<'a, [f32]>,
    weight: Matrix<'a>,
}

impl Chunk<'_> {
    fn hidden(&self) -> Matrix<'_> {
        Matrix::new(&self.hidden, self.rows.len(), self.width)
    }

    /// Σ log Σ exp(logits) − logits[target]. Replaces the logits by their gradients, softmax − onehot, if `wanted`.
    fn losses(&self, logits: &mut [f32], targets: &[i32], wanted: bool) -> f64 {
        let vocab_size = logits.len() / self.rows.len();
        let mut losses = vec![0.0; self.rows.len()];
        let (all, shared) = (Disjoint::new(logits), Disjoint::new(&mut losses));
        for_each_range(self.rows.len(), items_per_task(self.rows.len(), 8 * vocab_size), |range| {
            for i in range {
                // SAFETY: tasks have different rows.
                let (logits, loss) =
                    unsafe { (all.range(i * vocab_size..(i + 1) * vocab_size), shared.range(i..i + 1)) };
                loss[0] = row_loss(logits, targets[self.rows[i]] as usize, wanted);
            }
        });
        losses.iter().map(|loss| *loss as f64).sum()
    }

    fn add_hidden_gradient(&self, d_logits: &[f32], gradient: &mut [f32]) {
        let d_logits = Matrix::new(d_logits, self.rows.len(), self.weight.shape().0);
        if let Some(range) = neighbours(self.rows) {
            let gradient = &mut gradient[range.start * self.width..range.end * self.width];
            return multiply(gradient, d_logits, self.weight, false);
        }
        let mut rows = vec![0.0; self.hidden.len()];
        multiply(&mut rows, d_logits, self.weight, false);
        for (row, from) in self.rows.iter().zip(rows.chunks_exact(self.width)) {
            gradient[row * self.width..][..self.width].copy_from_slice(from);
        }
    }
}

/// These rows, one after the other.
fn gather<'a>(matrix: &'a [f32], width: usize, rows: &[usize]) -> Cow<'a, [f32]> {
    match neighbours(rows) {
        Some(range) => Cow::Borrowed(&matrix[range.start * width..range.end * width]),
        None => {
            let mut copy = Vec::with_capacity(rows.len() * width);
            rows.iter().for_each(|row| copy.extend_from_slice(&matrix[row * width..(row + 1) * width]));
            Cow::Owned(copy)
        }
    }
}

/// The range of ascending rows that follow each other without a gap.
fn neighbours(rows: &[usize]) -> Option<Range<usize>> {
    let (first, last) = (*rows.first()?, *rows.last()?);
    (last - first + 1 == rows.len()).then_some(first..last + 1)
}

vectorized! {
    /// The loss of a row; its logits become softmax − onehot if `wanted`.
    fn row_loss(logits: &mut [f32], target: usize, wanted: bool) -> f32 {
        let (max, at_target) = (max_of(logits), logits[target]);
        let sum = if wanted { exponentials::<FUSED>(logits, max) } else { sum_of(logits, |x| exp::<FUSED>(x - max)) };
        if wanted {
            let scale = 1.0 / sum;
            logits.iter_mut().for_each(|x| *x *= scale);
            logits[target] -= 1.0;
        }
        // The difference first: it is exact where max and log-sum-exp are large beside the loss.
        (max - at_target) + sum.ln()
    }
}

/// x ← exp(x − max), and the sum of that.
#[inline(always)]
fn exponentials<const FUSED: bool>(x: &mut [f32], max: f32) -> f32 {
    let mut sums = [0.0; LANES];
    let (chunks, rest) = x.as_chunks_mut::<LANES>();
    for chunk in chunks {
        for i in 0..LANES {
            chunk[i] = exp::<FUSED>(chunk[i] - max);
            sums[i] += chunk[i];
        }
    }
    for (x, sum) in rest.iter_mut().zip(&mut sums) {
        *x = exp::<FUSED>(*x - max);
        *sum += *x;
    }
    sum_lanes(sums)
}

/// The gradients for a gradient `dy` of the loss: to ← from · dy, or to ← to · dy without `from`.
pub fn backward(dy: f32, from: Option<&[f32]>, to: &mut [f32]) {
    assert!(from.is_none_or(|from| from.len() == to.len()), "a gradient that is scaled keeps its size");
    let size = items_per_task(to.len(), 1);
    match from {
        Some(from) => for_each_chunk(to, size, |index, to| {
            let from = &from[index * size..][..to.len()];
            to.iter_mut().zip(from).for_each(|(to, from)| *to = from * dy);
        }),
        None if dy == 1.0 => {}
        None => for_each_chunk(to, size, |_, to| to.iter_mut().for_each(|to| *to *= dy)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::serially;
    use crate::test_support::{assert_close, random};

    const SHAPES: [(usize, usize, usize); 6] =
        [(0, 3, 5), (1, 1, 1), (7, 5, 3), (40, 33, 65), (100, 16, 1000), (30, 64, 5003)];

    struct Results {
        loss: f32,
        hidden: Vec<f32>,
        weight: Vec<f32>,
    }

    fn run(hidden: &[f32], weight: &[f32], targets: &[i32], sizes: (usize, usize, usize), place: usize) -> Results {
        let (n, c, v) = sizes;
        let (mut hidden_gradient, mut weight_gradient) = (vec![f32::NAN; n * c], vec![f32::NAN; v * c]);
        let mut scratch = vec![f32::NAN; place * v];
        let gradients = Gradients { hidden: &mut hidden_gradient, weight: &mut weight_gradient };
        let loss = forward(hidden, Matrix::new(weight, v, c), targets, &mut scratch, gradients);
        Results { loss, hidden: hidden_gradient, weight: weight_gradient }
    }

    fn targets(n: usize, v: usize) -> Vec<i32> {
        (0..n).map(|row| if row % 4 == 2 { -1 } else { (row * 7919 % v) as i32 }).collect()
    }

    /// The loss and the gradients by logits, hidden and weight.
    fn exact(
        hidden: &[f32],
        weight: &[f32],
        targets: &[i32],
        (n, c, v): (usize, usize, usize),
    ) -> (f64, Vec<f64>, Vec<f64>) {
        let (mut loss, mut dh, mut dw) = (0.0, vec![0.0; n * c], vec![0.0; v * c]);
        for row in (0..n).filter(|&row| targets[row] >= 0) {
            let h = &hidden[row * c..(row + 1) * c];
            let logit = |k: usize| (0..c).map(|i| h[i] as f64 * weight[k * c + i] as f64).sum::<f64>();
            let logits = (0..v).map(logit).collect::<Vec<_>>();
            let log_sum = logits.iter().map(|x| x.exp()).sum::<f64>().ln();
            loss += log_sum - logits[targets[row] as usize];
            for (k, x) in logits.iter().enumerate() {
                let g = (x - log_sum).exp() - if k == targets[row] as usize { 1.0 } else { 0.0 };
                for i in 0..c {
                    dh[row * c + i] += g * weight[k * c + i] as f64;
                    dw[k * c + i] += g * h[i] as f64;
                }
            }
        }
        (loss, dh, dw)
    }

    #[test]
    fn loss_and_gradients_are_exact_in_chunks_of_any_size() {
        for sizes in SHAPES {
            let (n, c, v) = sizes;
            let (hidden, weight, targets) = (random(n * c, 1, 2.0), random(v * c, 2, 1.0), targets(n, v));
            let (loss, dh, dw) = exact(&hidden, &weight, &targets, sizes);
            for place in [1, 8, 17, 100] {
                let results = run(&hidden, &weight, &targets, sizes, place);
                assert!((results.loss as f64 - loss).abs() <= 1e-5 * (1.0 + loss), "{} is not {loss}", results.loss);
                assert_close(&results.hidden, |i| dh[i], 2e-5);
                assert_close(&results.weight, |i| dw[i], 2e-5);
                let alone = serially(|| run(&hidden, &weight, &targets, sizes, place));
                assert_eq!((alone.loss, alone.hidden, alone.weight), (results.loss, results.hidden, results.weight));
            }
        }
    }

    #[test]
    fn only_what_is_wanted_is_computed() {
        let sizes = (20, 8, 30);
        let (hidden, weight, targets) = (random(160, 1, 1.0), random(240, 2, 1.0), targets(20, 30));
        let all = run(&hidden, &weight, &targets, sizes, 7);
        let (mut scratch, mut gradient) = (vec![0.0; 7 * 30], vec![f32::NAN; 240]);
        let weight = Matrix::new(&weight, 30, 8);
        let none = Gradients { hidden: &mut [], weight: &mut [] };
        assert_eq!(forward(&hidden, weight, &targets, &mut scratch, none), all.loss);
        let one = Gradients { hidden: &mut [], weight: &mut gradient };
        forward(&hidden, weight, &targets, &mut scratch, one);
        assert_eq!(gradient, all.weight);
    }

    #[test]
    fn ignored_rows_have_no_part_whatever_they_hold() {
        let sizes = (12, 4, 9);
        let (mut hidden, weight) = (random(48, 1, 1.0), random(36, 2, 1.0));
        let targets = targets(12, 9);
        let before = run(&hidden, &weight, &targets, sizes, 5);
        hidden[2 * 4..3 * 4].fill(f32::NAN);
        hidden[6 * 4] = f32::INFINITY;
        let after = run(&hidden, &weight, &targets, sizes, 5);
        assert_eq!((before.loss, before.hidden, before.weight), (after.loss, after.hidden, after.weight));

        hidden[0] = f32::NAN;
        let results = run(&hidden, &weight, &targets, sizes, 5);
        assert!(results.loss.is_nan() && results.hidden[..4].iter().all(|x| x.is_nan()));
        assert!(results.hidden[4..].iter().all(|x| !x.is_nan()));
    }

    #[test]
    fn gradients_are_scaled_in_place_or_into_a_copy() {
        let x = random(100_000, 1, 1.0);
        let (mut copy, mut same) = (vec![0.0; x.len()], x.clone());
        backward(0.25, Some(&x), &mut copy);
        backward(0.25, None, &mut same);
        assert_close(&copy, |i| x[i] as f64 * 0.25, 0.0);
        assert_eq!(copy, same);
        backward(f32::NAN, None, &mut same);
        assert!(same.iter().all(|x| x.is_nan()));
    }

    #[test]
    #[should_panic(expected = "no target 5 (in row 1): there are 5 logits")]
    fn a_target_beyond_the_vocabulary_is_refused() {
        run(&[1.0; 4], &[1.0; 10], &[0, 5], (2, 2, 5), 1);
    }
}
