//! The length of many tensors together, as one vector.

use crate::parallel::for_each_chunk;
use crate::sums::sum_of;
use crate::vectorized;

/// Numbers of one task.
const CHUNK: usize = 1 << 14;
/// Numbers that are added up in single precision; the sums of these are added up in double precision.
const BLOCK: usize = 1 << 10;

/// √Σ x² over all elements of all tensors.
pub fn global_norm(tensors: &[&[f32]]) -> f32 {
    let chunks: Vec<&[f32]> = tensors.iter().flat_map(|tensor| tensor.chunks(CHUNK)).collect();
    let mut sums = vec![0.0; chunks.len()];
    for_each_chunk(&mut sums, 1, |task, sum| sum[0] = sum_of_squares(chunks[task]));
    sums.iter().sum::<f64>().sqrt() as f32
}

vectorized! {
    fn sum_of_squares(x: &[f32]) -> f64 {
        let mut sum = 0.0;
        for block in x.chunks(BLOCK) {
            sum += sum_of(block, |x| x * x) as f64;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::serially;
    use crate::test_support::{random, SIZES};

    #[test]
    fn is_exact_whatever_the_threads() {
        let tensors = SIZES.map(|size| random(size, size as u32, 2.0));
        let tensors = tensors.each_ref().map(|tensor| &tensor[..]);
        let exact = tensors.concat().iter().map(|x| (*x as f64).powi(2)).sum::<f64>().sqrt();
        let norm = global_norm(&tensors);
        assert!((norm as f64 - exact).abs() <= 2e-7 * exact, "{norm}, not {exact}");
        assert_eq!(serially(|| global_norm(&tensors)), norm);
    }

    #[test]
    fn is_nothing_for_nothing_and_shows_what_is_not_finite() {
        assert_eq!(global_norm(&[]), 0.0);
        assert!(global_norm(&[&[1.0], &[2.0, f32::NAN]]).is_nan());
        assert_eq!(global_norm(&[&[1.0, f32::NEG_INFINITY]]), f32::INFINITY);
    }
}
