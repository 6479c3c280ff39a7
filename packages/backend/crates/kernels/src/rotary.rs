//! Rotary position embedding: pairs of numbers turn by an angle that grows with the position.
//!
//! (y₁, y₂) = (x₁ cos θ − x₂ sin θ, x₂ cos θ + x₁ sin θ) with θ = position · frequency of the pair (Su et al. 2021). The
//! gradient is the same with −θ.

use crate::parallel::{for_each_range, items_per_task, Disjoint};
use crate::scratch::with_scratch;
use crate::vectorized;

/// How the numbers of a rotation lie.
#[derive(Clone, Copy, Debug)]
pub struct Rotary<'a> {
    /// B
    pub batch: usize,
    /// T: how many positions a sequence has.
    pub length: usize,
    /// Radians per position of each pair of a head, (D / 2).
    pub frequencies: &'a [f32],
    /// The position of the first row of each sequence.
    pub start: usize,
    /// The position of each row (B, T) instead; empty where they follow each other from `start` on.
    pub positions: &'a [i32],
    /// Whether neighbours are pairs, else number i and number i + D / 2.
    pub interleaved: bool,
    /// Whether to turn backwards.
    pub inverse: bool,
}

/// Turns heads (B, T, H·D) of x into y.
pub fn rotate(rotary: &Rotary, x: &[f32], y: &mut [f32]) {
    let Rotary { batch, length, frequencies, positions, .. } = *rotary;
    assert!(positions.is_empty() || positions.len() == batch * length, "positions are not (B, T)");
    // Rows with positions of their own are one sequence as good as any.
    let (batch, length) = if positions.is_empty() { (batch, length) } else { (1, batch * length) };
    assert_eq!(x.len(), y.len(), "a rotation returns as many numbers as it gets");
    if x.is_empty() {
        return;
    }
    let width = x.len() / (batch * length);
    assert!(width * batch * length == x.len() && width.is_multiple_of(2 * frequencies.len()), "x is not (B, T, H·D)");
    let y = Disjoint::new(y);
    // Sines and cosines of a position serve all sequences.
    for_each_range(length, items_per_task(length, 4 * batch * width), |range| {
        with_scratch([frequencies.len(); 2], |[cos, sin]| {
            for t in range {
                let position = positions.get(t).map_or((rotary.start + t) as f32, |&position| position as f32);
                angles(frequencies, position, rotary.inverse, cos, sin);
                for b in 0..batch {
                    let range = (b * length + t) * width..(b * length + t + 1) * width;
                    // SAFETY: each position is one task's.
                    let y = unsafe { y.range(range.clone()) };
                    match rotary.interleaved {
                        true => turn_neighbours(&x[range], y, cos, sin),
                        false => turn_halves(&x[range], y, cos, sin),
                    }
                }
            }
        });
    });
}

vectorized! {
    /// The angle is rounded to single precision before its sine and cosine are taken, as Hugging Face's models do it.
    fn angles(frequencies: &[f32], position: f32, inverse: bool, cos: &mut [f32], sin: &mut [f32]) {
        let sign = if inverse { -1.0 } else { 1.0 };
        for ((frequency, cos), sin) in frequencies.iter().zip(cos).zip(sin) {
            let (s, c) = sin_cos(frequency * position);
            *cos = c;
            *sin = sign * s;
        }
    }
}

/// Sine and cosine of x for |x| below 10⁸, rounded from double precision.
#[inline(always)]
fn sin_cos(x: f32) -> (f32, f32) {
    use std::f64::consts::FRAC_2_PI;
    let x = x as f64;
    // quarter = round(x / (π/2)): adding and taking away 1.5 · 2⁵² rounds to a whole number.
    let shifted = x * FRAC_2_PI + 6_755_399_441_055_744.0;
    let quarters = shifted - 6_755_399_441_055_744.0;
    // π/2 in two parts, of which the first has room for the product with a whole number.
    let r = (x - quarters * 1.570_796_310_901_641_8) - quarters * 1.589_325_477_352_819_6e-8;
    // Taylor series in [−π/4, π/4], far below single precision.
    let r2 = r * r;
    let mut s = -1.0 / 39_916_800.0;
    s = s * r2 + 1.0 / 362_880.0;
    s = s * r2 - 1.0 / 5_040.0;
    s = s * r2 + 1.0 / 120.0;
    s = s * r2 - 1.0 / 6.0;
    let s = s * r2 * r + r;
    let mut c = 1.0 / 479_001_600.0;
    c = c * r2 - 1.0 / 3_628_800.0;
    c = c * r2 + 1.0 / 40_320.0;
    c = c * r2 - 1.0 / 720.0;
    c = c * r2 + 1.0 / 24.0;
    c = c * r2 - 0.5;
    let c = c * r2 + 1.0;
    let quarter = shifted.to_bits();
    let (sin, cos) = if quarter & 1 == 0 { (s, c) } else { (c, s) };
    let sin = if quarter & 2 == 0 { sin } else { -sin };
    let cos = if (quarter + 1) & 2 == 0 { cos } else { -cos };
    (sin as f32, cos as f32)
}

vectorized! {
    fn turn_halves(x: &[f32], y: &mut [f32], cos: &[f32], sin: &[f32]) {
        let half = cos.len();
        let sin = &sin[..half];
        for (x, y) in x.chunks_exact(2 * half).zip(y.chunks_exact_mut(2 * half)) {
            let ((x1, x2), (y1, y2)) = (x.split_at(half), y.split_at_mut(half));
            // One length for all, so that no index needs a check.
            let (x1, x2, y1, y2) = (&x1[..half], &x2[..half], &mut y1[..half], &mut y2[..half]);
            for i in 0..half {
                y1[i] = x1[i] * cos[i] - x2[i] * sin[i];
                y2[i] = x2[i] * cos[i] + x1[i] * sin[i];
            }
        }
    }
}

vectorized! {
    fn turn_neighbours(x: &[f32], y: &mut [f32], cos: &[f32], sin: &[f32]) {
        let half = cos.len();
        let sin = &sin[..half];
        for (x, y) in x.chunks_exact(2 * half).zip(y.chunks_exact_mut(2 * half)) {
            let (x, y) = (x.as_chunks::<2>().0, y.as_chunks_mut::<2>().0);
            let (x, y) = (&x[..half], &mut y[..half]);
            for i in 0..half {
                let [x1, x2] = x[i];
                y[i] = [x1 * cos[i] - x2 * sin[i], x2 * cos[i] + x1 * sin[i]];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{assert_close, random};

    fn frequencies(half: usize) -> Vec<f32> {
        (0..half).map(|i| 10_000f64.powf(-(i as f64) / half as f64) as f32).collect()
    }

    #[test]
    fn equals_the_definition() {
        for (batch, length, heads, half) in [(2, 3, 2, 4), (1, 1, 1, 1), (3, 70, 5, 33), (0, 2, 1, 4), (2, 0, 1, 4)] {
            for interleaved in [false, true] {
                for inverse in [false, true] {
                    let frequencies = &frequencies(half)[..];
                    let rotary =
                        Rotary { batch, length, frequencies, start: 1000, positions: &[], interleaved, inverse };
                    let (width, size) = (heads * 2 * half, batch * length * heads * 2 * half);
                    let x = random(size, 1, 2.0);
                    let mut y = vec![f32::NAN; size];
                    rotate(&rotary, &x, &mut y);
                    let expected = |i: usize| {
                        let (t, d, head) = (i / width % length, i % (2 * half), i - i % (2 * half));
                        let (pair, first) = if interleaved { (d / 2, d % 2 == 0) } else { (d % half, d < half) };
                        let (first_at, second_at) =
                            if interleaved { (2 * pair, 2 * pair + 1) } else { (pair, pair + half) };
                        let angle = (frequencies[pair] * (1000 + t) as f32) as f64 * if inverse { -1.0 } else { 1.0 };
                        let (x1, x2) = (x[head + first_at] as f64, x[head + second_at] as f64);
                        if first {
                            x1 * angle.cos() - x2 * angle.sin()
                        } else {
                            x2 * angle.cos() + x1 * angle.sin()
                        }
                    };
                    assert_close(&y, expected, 1e-6);
                }
            }
        }
    }

    #[test]
    fn sines_and_cosines_are_exact() {
        for x in (0..200_000).map(|i| i as f32 * 0.731).chain([1e6, 1.234_567_9e7, 0.0, -1.0, -500.5]) {
            let (sin, cos) = sin_cos(x);
            assert!((sin as f64 - (x as f64).sin()).abs() < 6e-8, "sin({x}) = {sin}");
            assert!((cos as f64 - (x as f64).cos()).abs() < 6e-8, "cos({x}) = {cos}");
        }
    }

    #[test]
    fn each_row_may_have_its_position() {
        let (frequencies, x) = (frequencies(4), random(6 * 16, 1, 1.0));
        let (mut y, mut expected) = (vec![f32::NAN; x.len()], vec![f32::NAN; x.len()]);
        let positions = [3, 4, 5, 0, 1, 2];
        rotate(&Rotary { batch: 2, length: 3, positions: &positions, ..plain(&frequencies) }, &x, &mut y);
        for (row, &start) in positions.iter().enumerate() {
            let (rotary, range) = (Rotary { start: start as usize, ..plain(&frequencies) }, row * 16..(row + 1) * 16);
            rotate(&rotary, &x[range.clone()], &mut expected[range]);
        }
        assert_eq!(y, expected);
    }

    /// One row at position 0.
    fn plain(frequencies: &[f32]) -> Rotary<'_> {
        Rotary { batch: 1, length: 1, frequencies, start: 0, positions: &[], interleaved: false, inverse: false }
    }

    #[test]
    fn what_is_no_number_stays_none() {
        let rotary = Rotary { batch: 1, length: 1, start: 5, ..plain(&[1.0]) };
        let mut y = [0.0; 2];
        rotate(&rotary, &[f32::NAN, 1.0], &mut y);
        assert!(y.iter().all(|y| y.is_nan()));
    }
}
