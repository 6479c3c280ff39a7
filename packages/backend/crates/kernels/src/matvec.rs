//! Products of a few rows with a matrix of weights in any format, for decoding, at the speed of memory.

use crate::column_sums::sum_blocks;
use crate::lanes::Lanes;
use crate::parallel::{for_each_range, items_per_task, Disjoint};
use crate::simd::fma;
use crate::vectorized;
use crate::weights::{Blocks4, Blocks8, Brain, Format, Half, Numbers, Single, Weights, BLOCK};
use std::ops::Range;

/// Products with at most this many rows are limited by reading the matrix.
pub const MAX_ROWS: usize = 8;

/// y (rows, outputs) ← x (rows, inputs) · W.
///
/// # Panics
/// If the sizes do not fit together, or weights in another format than f32 are not `transposed`.
pub fn multiply(y: &mut [f32], x: &[f32], weights: Weights, rows: usize) {
    let Weights { inputs, outputs, transposed, .. } = weights;
    assert!(
        x.len() == rows * inputs && y.len() == rows * outputs,
        "x is not {rows} × {inputs}, or y {rows} × {outputs}"
    );
    weights.check();
    for first in (0..rows).step_by(MAX_ROWS) {
        let end = rows.min(first + MAX_ROWS);
        let (x, y) = (&x[first * inputs..end * inputs], &mut y[first * outputs..end * outputs]);
        if transposed {
            dot_products(y, x, weights)
        } else {
            weighted_sums(y, x, weights)
        }
    }
}

/// Each output is the dot product of a row of x and a row of the weights.
fn dot_products(y: &mut [f32], x: &[f32], weights: Weights) {
    let y = Disjoint::new(y);
    let size = items_per_task(weights.outputs, weights.inputs);
    for_each_range(weights.outputs, size, |range| dot_products_of(&y, x, weights, range));
}

/// The outputs are the sum of the weights' rows, each times a number of x.
fn weighted_sums(y: &mut [f32], x: &[f32], weights: Weights) {
    let inputs = weights.inputs;
    sum_blocks(inputs.div_ceil(GROUP), y.len(), [y], |start, end, [sums]| {
        weighted_sums_of(sums, x, weights, start * GROUP..inputs.min(end * GROUP));
    });
}

/// How many inputs count as a row of [`sum_blocks`], whose sums are written and read again: the more, the less that is
/// beside the weights.
const GROUP: usize = 4;

vectorized! {
    fn dot_products_of(y: &Disjoint<f32>, x: &[f32], weights: Weights, outputs: Range<usize>) {
        match weights.numbers {
            Numbers::F32(numbers) => dots::<V, _>(y, x, Single(numbers), &weights, outputs),
            Numbers::Bf16(bits) => dots::<V, _>(y, x, Brain(bits), &weights, outputs),
            Numbers::F16(bits) => dots::<V, _>(y, x, Half(bits), &weights, outputs),
            Numbers::Q8(bytes) => dots::<V, _>(y, x, Blocks8(bytes), &weights, outputs),
            Numbers::Q4(bytes) => dots::<V, _>(y, x, Blocks4(bytes), &weights, outputs),
        }
    }
}

vectorized! {
    fn weighted_sums_of(sums: &mut [f32], x: &[f32], weights: Weights, inputs: Range<usize>) {
        let Numbers::F32(numbers) = weights.numbers else { panic!("only f32 is stored (inputs, outputs)") };
        add_rows::<FUSED>(sums, x, numbers, &weights, inputs);
    }
}

/// How many sums are kept while numbers of weights are added to them.
const PIECE: usize = 16 * BLOCK;

/// What stands for rows that there are not.
static ZEROS: [f32; PIECE] = [0.0; PIECE];

/// The dot products of some outputs' weights with the rows of x, up to four at a time.
#[inline(always)]
fn dots<'a, V: Lanes, F: Format<'a>>(y: &Disjoint<f32>, x: &[f32], w: F, weights: &Weights, outputs: Range<usize>) {
    let Weights { inputs, outputs: stride, .. } = *weights;
    let rows = y.len() / stride;
    for output in outputs {
        let mut last = [0.0; BLOCK];
        let w = w.row(output * inputs..(output + 1) * inputs, &mut last[..inputs % BLOCK]);
        for first in (0..rows).step_by(4) {
            let x = &x[first * inputs..];
            let write = |sums: &[f32]| {
                for (row, sum) in sums.iter().enumerate() {
                    let place = (first + row) * stride + output;
                    // SAFETY: tasks have different outputs.
                    unsafe { y.range(place..place + 1)[0] = *sum };
                }
            };
            match rows - first {
                1 => write(&dot::<V, F, 1>(x, inputs, w, &last)),
                2 => write(&dot::<V, F, 2>(x, inputs, w, &last)),
                3 => write(&dot::<V, F, 3>(x, inputs, w, &last)),
                _ => write(&dot::<V, F, 4>(x, inputs, w, &last)),
            }
        }
    }
}

/// The dot products of one output's weights with `R` rows of x. The halves of blocks have sums of their own, so that an
/// addition need not wait for the one before it.
#[inline(always)]
fn dot<'a, V: Lanes, F: Format<'a>, const R: usize>(
    x: &[f32],
    inputs: usize,
    w: &[F::Block],
    last: &[f32; BLOCK],
) -> [f32; R] {
    let mut rests = [[0.0; BLOCK]; R];
    let mut x: [_; R] =
        std::array::from_fn(|r| Single(x).row(r * inputs..(r + 1) * inputs, &mut rests[r][..inputs % BLOCK]));
    x.iter_mut().for_each(|x| *x = &x[..w.len()]);
    let mut sums = [[V::zero(); 2]; R];
    for (index, block) in w.iter().enumerate() {
        let w = F::lanes::<V>(block);
        for r in 0..R {
            add_products(&mut sums[r], w, &x[r][index]);
        }
    }
    if !inputs.is_multiple_of(BLOCK) {
        let w = Single::lanes::<V>(last);
        sums.iter_mut().zip(&rests).for_each(|(sums, rest)| add_products(sums, w, rest));
    }
    sums.map(|[first, second]| first.plus(second).sum())
}

#[inline(always)]
fn add_products<V: Lanes>(sums: &mut [V; 2], w: [V; 2], x: &[f32; BLOCK]) {
    let [first, second] = Single::lanes::<V>(x);
    *sums = [sums[0].plus_product(w[0], first), sums[1].plus_product(w[1], second)];
}

#[inline(always)]
fn add_rows<const FUSED: bool>(sums: &mut [f32], x: &[f32], w: &[f32], weights: &Weights, inputs: Range<usize>) {
    let Weights { inputs: count, outputs: size, .. } = *weights;
    for first in inputs.clone().step_by(GROUP) {
        for start in (0..size).step_by(PIECE) {
            let len = PIECE.min(size - start);
            let mut rows: [&[f32]; GROUP] = [&ZEROS[..len]; GROUP];
            for (i, row) in rows.iter_mut().enumerate().take(inputs.end - first) {
                *row = &w[(first + i) * size + start..][..len];
            }
            for (x, sums) in x.chunks_exact(count).zip(sums.chunks_exact_mut(size)) {
                let x = std::array::from_fn(|i| if first + i < inputs.end { x[first + i] } else { 0.0 });
                add_scaled::<FUSED>(&mut sums[start..start + len], rows, x);
            }
        }
    }
}

/// sums ← sums + Σ x[i] · w[i]
#[inline(always)]
fn add_scaled<const FUSED: bool>(sums: &mut [f32], w: [&[f32]; GROUP], x: [f32; GROUP]) {
    let [a, b, c, d] = w;
    for ((((sum, a), b), c), d) in sums.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        let first = fma::<FUSED>(*b, x[1], fma::<FUSED>(*a, x[0], *sum));
        *sum = fma::<FUSED>(*d, x[3], fma::<FUSED>(*c, x[2], first));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::serially;
    use crate::test_support::{assert_close, random};
    use crate::weights::{from_half, rows};

    const SHAPES: [(usize, usize); 9] =
        [(1, 1), (5, 3), (33, 65), (64, 32), (100, 1), (1, 100), (700, 300), (768, 2304), (96, 5000)];

    /// The same numbers in each format that can hold these rows, and what they are there.
    fn formats(row: usize, values: &[f32]) -> Vec<(Vec<u8>, Vec<f32>, u8)> {
        let single = (values.iter().flat_map(|x| x.to_le_bytes()).collect(), values.to_vec(), 0);
        let brain = values.iter().map(|x| (x.to_bits() >> 16) as u16).collect::<Vec<_>>();
        let half = values.iter().map(|x| to_half(*x)).collect::<Vec<_>>();
        let bytes = |bits: &[u16]| bits.iter().flat_map(|x| x.to_le_bytes()).collect();
        let brain = (bytes(&brain), brain.iter().map(|b| f32::from_bits((*b as u32) << 16)).collect(), 1);
        let half = (bytes(&half), half.iter().map(|h| from_half(*h)).collect(), 2);
        let mut all = vec![single, brain, half];
        if row.is_multiple_of(BLOCK) {
            let scale = to_half(0.01);
            let quanta = values.iter().map(|x| (x * 100.0) as i8).collect::<Vec<_>>();
            let mut bytes = Vec::new();
            for block in quanta.chunks(BLOCK) {
                bytes.extend(scale.to_le_bytes());
                bytes.extend(block.iter().map(|q| *q as u8));
            }
            all.push((bytes, quanta.iter().map(|q| *q as f32 * from_half(scale)).collect(), 3));

            let quanta = values.iter().map(|x| (x * 7.9) as i32).collect::<Vec<_>>();
            let mut bytes = Vec::new();
            for block in quanta.chunks(BLOCK) {
                bytes.extend(scale.to_le_bytes());
                bytes.extend((0..BLOCK / 2).map(|i| (block[i] + 8) as u8 | ((block[i + BLOCK / 2] + 8) as u8) << 4));
            }
            all.push((bytes, quanta.iter().map(|q| *q as f32 * from_half(scale)).collect(), 4));
        }
        all
    }

    fn numbers<'a>(bytes: &'a [u8], words: &'a [u16], singles: &'a [f32], format: u8) -> Numbers<'a> {
        match format {
            0 => Numbers::F32(singles),
            1 => Numbers::Bf16(words),
            2 => Numbers::F16(words),
            3 => Numbers::Q8(bytes),
            _ => Numbers::Q4(bytes),
        }
    }

    /// Cuts the fraction off; only for normal numbers.
    fn to_half(x: f32) -> u16 {
        let bits = x.to_bits();
        let rest = ((bits & 0x7fff_ffff) >> 13).wrapping_sub(112 << 10);
        let rest = if (bits & 0x7fff_ffff) < (113 << 23) { 0 } else { rest };
        (bits >> 16 & 0x8000) as u16 | rest as u16
    }

    #[test]
    fn products_in_all_formats_and_layouts_are_exact() {
        for (inputs, outputs) in SHAPES {
            for (rows, transposed) in [(1, false), (1, true), (3, false), (3, true), (8, true), (11, false), (11, true)]
            {
                let (x, w) = (random(rows * inputs, 1, 1.0), random(inputs * outputs, 2, 1.0));
                for (bytes, values, format) in formats(inputs, &w).into_iter().take(if transposed { 5 } else { 1 }) {
                    let words = bytes.chunks(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect::<Vec<_>>();
                    let numbers = numbers(&bytes, &words, &values, format);
                    let weights = Weights { numbers, inputs, outputs, transposed };
                    let product = || {
                        let mut y = vec![f32::NAN; rows * outputs];
                        multiply(&mut y, &x, weights, rows);
                        y
                    };
                    let at = |i: usize, o: usize| values[if transposed { o * inputs + i } else { i * outputs + o }];
                    let exact = |j: usize| {
                        let (row, o) = (j / outputs, j % outputs);
                        (0..inputs).map(|i| x[row * inputs + i] as f64 * at(i, o) as f64).sum()
                    };
                    let y = product();
                    assert_close(&y, exact, 2e-5);
                    assert_eq!(serially(product), y);
                }
            }
        }
    }

    #[test]
    fn rows_are_read_in_all_formats() {
        let w = random(96 * 5, 2, 1.0);
        for (bytes, values, format) in formats(96, &w) {
            let words = bytes.chunks(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect::<Vec<_>>();
            let numbers = numbers(&bytes, &words, &values, format);
            let mut y = vec![f32::NAN; 2 * 96];
            rows(&[4, 1], Weights { numbers, inputs: 96, outputs: 5, transposed: true }, &mut y);
            assert_eq!(y, [&values[4 * 96..], &values[96..2 * 96]].concat());
        }
    }

    #[test]
    fn half_precision_is_read_exactly() {
        let cases = [(0x0000, 0.0), (0x8000, -0.0), (0x3c00, 1.0), (0xc000, -2.0), (0x7bff, 65504.0)];
        for (bits, value) in cases {
            assert_eq!(from_half(bits).to_bits(), f32::to_bits(value));
        }
        assert_eq!(from_half(0x0001), 2f32.powi(-24));
        assert_eq!(from_half(0x83ff), -1023.0 * 2f32.powi(-24));
        assert_eq!((from_half(0x7c00), from_half(0xfc00)), (f32::INFINITY, f32::NEG_INFINITY));
        assert!(from_half(0x7e00).is_nan() && from_half(0xfc01).is_nan());
    }

    #[test]
    fn all_numbers_in_half_precision_are_read_exactly() {
        let bits: Vec<u16> = (0..=u16::MAX).collect();
        let mut y = vec![0.0; bits.len()];
        rows(&[0], Weights { numbers: Numbers::F16(&bits), inputs: bits.len(), outputs: 1, transposed: true }, &mut y);
        for (bits, y) in bits.into_iter().zip(y) {
            let expected = from_half(bits);
            assert!(y.to_bits() == expected.to_bits() || y.is_nan() && expected.is_nan(), "{bits:#x}: {y}, {expected}");
        }
    }

    #[test]
    #[should_panic(expected = "rows of 40 numbers are not whole blocks of 32")]
    fn broken_blocks_are_refused() {
        let weights = Weights { numbers: Numbers::Q8(&[0; 34]), inputs: 40, outputs: 1, transposed: true };
        multiply(&mut [0.0], &[0.0; 40], weights, 1);
    }
}
