//! The loss of logits: −log softmax(logits)[target], and its gradient. Target −1 leaves a row out.

use crate::math::exp;
use crate::parallel::{for_each_range, items_per_task, Disjoint};
use crate::sums::{max_of, sum_of};
use crate::vectorized;

/// Losses (N), 0 in ignored rows, and log Σ exp(logits) (N) from logits (N, V) and targets (N). The latter is written
/// unless it is empty.
///
/// # Panics
/// If a target is not in [−1, V).
pub fn forward(logits: &[f32], targets: &[i32], losses: &mut [f32], log_sum_exps: &mut [f32]) {
    let rows = targets.len();
    let width = logits.len().checked_div(rows).unwrap_or(0);
    assert!(logits.len() == rows * width && losses.len() == rows, "cross-entropy has a target and a loss for each row");
    assert!([0, rows].contains(&log_sum_exps.len()), "cross-entropy has a log-sum-exp for each row");
    require_targets(targets, width);
    let wanted = !log_sum_exps.is_empty();
    let (losses, log_sum_exps) = (Disjoint::new(losses), Disjoint::new(log_sum_exps));
    for_each_range(rows, items_per_task(rows, 8 * width), |range| {
        let kept = if wanted { range.clone() } else { 0..0 };
        // SAFETY: tasks have different rows.
        let (losses, log_sum_exps) = unsafe { (losses.range(range.clone()), log_sum_exps.range(kept)) };
        let logits = &logits[range.start * width..range.end * width];
        forward_rows(logits, width, &targets[range], losses, log_sum_exps);
    });
}

vectorized! {
    fn forward_rows(logits: &[f32], width: usize, targets: &[i32], losses: &mut [f32], log_sum_exps: &mut [f32]) {
        for (row, (target, loss)) in targets.iter().zip(losses).enumerate() {
            let x = &logits[row * width..(row + 1) * width];
            let max = max_of(x);
            let log_sum = sum_of(x, |x| exp::<FUSED>(x - max)).ln();
            // The difference first: it is exact where max and log-sum-exp are large beside the loss.
            *loss = if *target < 0 { 0.0 } else { (max - x[*target as usize]) + log_sum };
            if !log_sum_exps.is_empty() {
                log_sum_exps[row] = max + log_sum;
            }
        }
    }
}

/// dlogits ← (exp(logits − logSumExp) − onehot(targets)) · dy: (N, V) from dy (N), 0 in ignored rows.
pub fn backward(dy: &[f32], logits: &[f32], targets: &[i32], log_sum_exps: &[f32], d_logits: &mut [f32]) {
    let rows = targets.len();
    let width = logits.len().checked_div(rows).unwrap_or(0);
    assert!(
        logits.len() == rows * width && logits.len() == d_logits.len(),
        "cross-entropy's gradient is of the logits' size"
    );
    assert!(dy.len() == rows && log_sum_exps.len() == rows, "cross-entropy has a dy and a log-sum-exp for each row");
    require_targets(targets, width);
    let d_logits = Disjoint::new(d_logits);
    for_each_range(rows, items_per_task(rows, 4 * width), |range| {
        let numbers = range.start * width..range.end * width;
        // SAFETY: tasks have different rows.
        let d_logits = unsafe { d_logits.range(numbers.clone()) };
        backward_rows(
            &dy[range.clone()],
            &logits[numbers],
            width,
            &targets[range.clone()],
            &log_sum_exps[range],
            d_logits,
        );
    });
}

vectorized! {
    fn backward_rows(
        dy: &[f32], logits: &[f32], width: usize, targets: &[i32], log_sum_exps: &[f32], d_logits: &mut [f32],
    ) {
        for (row, target) in targets.iter().enumerate() {
            let numbers = row * width..(row + 1) * width;
            let (dx, x) = (&mut d_logits[numbers.clone()], &logits[numbers]);
            if *target < 0 {
                dx.fill(0.0);
                continue;
            }
            let (dy, log_sum_exp) = (dy[row], log_sum_exps[row]);
            for (dx, x) in dx.iter_mut().zip(x) {
                *dx = exp::<FUSED>(x - log_sum_exp) * dy;
            }
            dx[*target as usize] -= dy;
        }
    }
}

pub(crate) fn require_targets(targets: &[i32], vocab_size: usize) {
    let outside = targets.iter().position(|&target| target < -1 || target >= 0 && target as usize >= vocab_size);
    if let Some(n) = outside {
        panic!("cross-entropy has no target {} (in row {n}): there are {vocab_size} logits", targets[n]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{assert_close, random};

    const SHAPES: [(usize, usize); 6] = [(0, 3), (1, 1), (5, 31), (9, 100), (300, 384), (3, 50_257)];

    /// Every fifth row is ignored.
    fn targets(rows: usize, width: usize) -> Vec<i32> {
        (0..rows).map(|row| if row % 5 == 4 { -1 } else { (row * 7919 % width) as i32 }).collect()
    }

    #[test]
    fn value_and_gradient_are_exact() {
        for (rows, width) in SHAPES {
            let (x, targets, dy) = (random(rows * width, 1, 20.0), targets(rows, width), random(rows, 2, 1.0));
            let (mut losses, mut log_sum_exps) = (vec![f32::NAN; rows], vec![f32::NAN; rows]);
            forward(&x, &targets, &mut losses, &mut log_sum_exps);
            let log_sum =
                |row: usize| x[row * width..(row + 1) * width].iter().map(|x| (*x as f64).exp()).sum::<f64>().ln();
            let exact = (0..rows).map(log_sum).collect::<Vec<_>>();
            assert_close(&log_sum_exps, |row| exact[row], 1e-6);
            let loss = |row: usize| match targets[row] {
                -1 => 0.0,
                target => exact[row] - x[row * width + target as usize] as f64,
            };
            assert_close(&losses, loss, 1e-6);

            let mut dx = vec![f32::NAN; x.len()];
            backward(&dy, &x, &targets, &log_sum_exps, &mut dx);
            let exact_dx = |i: usize| {
                let (row, column) = (i / width, (i % width) as i32);
                let chosen = if targets[row] == column { 1.0 } else { 0.0 };
                let weight = if targets[row] < 0 { 0.0 } else { dy[row] as f64 };
                ((x[i] as f64 - exact[row]).exp() - chosen) * weight
            };
            assert_close(&dx, exact_dx, 3e-6);

            let mut alone = vec![f32::NAN; rows];
            forward(&x, &targets, &mut alone, &mut []);
            assert_eq!(alone, losses);
        }
    }

    #[test]
    fn a_sure_loss_is_nearly_nothing_and_a_wrong_one_large() {
        let mut losses = [0.0; 2];
        forward(&[1000.0, 980.0, 1000.0, 980.0], &[0, 1], &mut losses, &mut []);
        assert_eq!(losses, [0.0, 20.0]);
    }

    #[test]
    fn ignored_rows_have_no_part_whatever_they_hold() {
        let x = [f32::NAN, f32::INFINITY, 0.0, f32::NAN];
        let (mut losses, mut log_sum_exps, mut dx) = ([f32::NAN; 2], [0.0; 2], [f32::NAN; 4]);
        forward(&x, &[-1, 0], &mut losses, &mut log_sum_exps);
        backward(&[f32::NAN, 1.0], &x, &[-1, 0], &log_sum_exps, &mut dx);
        assert!(losses[0] == 0.0 && losses[1].is_nan());
        assert!(dx[..2] == [0.0, 0.0] && dx[2..].iter().all(|dx| dx.is_nan()));
    }

    #[test]
    #[should_panic(expected = "cross-entropy has no target 2 (in row 1): there are 2 logits")]
    fn a_target_beyond_the_logits_is_refused() {
        forward(&[0.0; 4], &[-1, 2], &mut [0.0; 2], &mut []);
    }
}
