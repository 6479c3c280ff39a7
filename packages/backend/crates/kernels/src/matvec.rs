//! Products of a few rows with a matrix, for decoding, at the speed of memory: f32, bf16, f16 and blocks of 8 bits.

use crate::column_sums::sum_blocks;
use crate::matmul::Matrix;
use crate::parallel::{for_each_range, items_per_task, Disjoint};
use crate::simd::{fma, sum_lanes, LANES};
use crate::vectorized;
use std::ops::Range;

/// Products with at most this many rows are limited by reading the matrix.
pub const MAX_ROWS: usize = 8;

/// A matrix as stored, (inputs, outputs) or, `transposed`, (outputs, inputs).
#[derive(Clone, Copy)]
pub struct Weights<'a> {
    /// Its numbers.
    pub numbers: Numbers<'a>,
    /// How many numbers go in.
    pub inputs: usize,
    /// How many numbers come out.
    pub outputs: usize,
    /// Whether the numbers of one output are neighbours.
    pub transposed: bool,
}

/// The numbers of a matrix in one of the formats.
#[derive(Clone, Copy)]
pub enum Numbers<'a> {
    /// Single precision.
    F32(&'a [f32]),
    /// The upper half of single precision's bits.
    Bf16(&'a [u16]),
    /// Half precision.
    F16(&'a [u16]),
    /// Blocks of 34 bytes: a scale in half precision, then 32 signed bytes, as llama.cpp's Q8_0.
    Q8(&'a [u8]),
}

impl<'a> From<Matrix<'a>> for Weights<'a> {
    fn from(matrix: Matrix<'a>) -> Self {
        let (inputs, outputs) = matrix.shape();
        Self { numbers: Numbers::F32(matrix.data), inputs, outputs, transposed: matrix.transposed }
    }
}

/// y (rows, outputs) ← x (rows, inputs) · W.
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

impl Weights<'_> {
    fn check(&self) {
        let (size, row) = (self.inputs * self.outputs, if self.transposed { self.inputs } else { self.outputs });
        let held = match self.numbers {
            Numbers::F32(numbers) => numbers.len(),
            Numbers::Bf16(bits) | Numbers::F16(bits) => bits.len(),
            Numbers::Q8(bytes) => {
                assert!(row.is_multiple_of(BLOCK), "rows of {row} numbers are not whole blocks of {BLOCK}");
                bytes.len() / BLOCK_BYTES * BLOCK
            }
        };
        assert_eq!(held, size, "the weights are not {} × {}", self.inputs, self.outputs);
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
            Numbers::F32(numbers) => dots::<FUSED, _>(y, x, Single(numbers), &weights, outputs),
            Numbers::Bf16(bits) => dots::<FUSED, _>(y, x, Brain(bits), &weights, outputs),
            Numbers::F16(bits) => dots::<FUSED, _>(y, x, Half(bits), &weights, outputs),
            Numbers::Q8(bytes) => dots::<FUSED, _>(y, x, Blocks(bytes), &weights, outputs),
        }
    }
}

vectorized! {
    fn weighted_sums_of(sums: &mut [f32], x: &[f32], weights: Weights, inputs: Range<usize>) {
        match weights.numbers {
            Numbers::F32(numbers) => add_rows::<FUSED, _>(sums, x, Single(numbers), &weights, inputs),
            Numbers::Bf16(bits) => add_rows::<FUSED, _>(sums, x, Brain(bits), &weights, inputs),
            Numbers::F16(bits) => add_rows::<FUSED, _>(sums, x, Half(bits), &weights, inputs),
            Numbers::Q8(bytes) => add_rows::<FUSED, _>(sums, x, Blocks(bytes), &weights, inputs),
        }
    }
}

#[inline(always)]
fn dots<const FUSED: bool, F: Format>(y: &Disjoint<f32>, x: &[f32], w: F, weights: &Weights, outputs: Range<usize>) {
    match x.len() / weights.inputs.max(1) {
        1 => dots_of::<FUSED, F, 1>(y, x, w, weights, outputs),
        2..=4 => dots_of::<FUSED, F, 4>(y, x, w, weights, outputs),
        _ => dots_of::<FUSED, F, MAX_ROWS>(y, x, w, weights, outputs),
    }
}

/// For up to `R` rows; a missing one is computed as the last, but not written.
#[inline(always)]
fn dots_of<const FUSED: bool, F: Format, const R: usize>(
    y: &Disjoint<f32>,
    x: &[f32],
    w: F,
    weights: &Weights,
    outputs: Range<usize>,
) {
    let size = weights.inputs;
    let rows = y.len() / weights.outputs;
    let x: [&[f32]; R] = std::array::from_fn(|r| &x[r.min(rows - 1) * size..][..size]);
    let whole = size / BLOCK * BLOCK;
    for output in outputs {
        let start = output * size;
        let mut sums = [[0.0; BLOCK]; R];
        for i in (0..whole).step_by(BLOCK) {
            let w = w.block(start + i);
            for r in 0..R {
                let x = &x[r][i..i + BLOCK];
                for l in 0..BLOCK {
                    sums[r][l] = fma::<FUSED>(w[l], x[l], sums[r][l]);
                }
            }
        }
        for i in whole..size {
            let w = w.number(start + i);
            for r in 0..R {
                sums[r][i - whole] = fma::<FUSED>(w, x[r][i], sums[r][i - whole]);
            }
        }
        for (r, sums) in sums.iter().enumerate().take(rows) {
            let lanes: [f32; LANES] = std::array::from_fn(|l| sums[l] + sums[l + LANES]);
            let place = r * weights.outputs + output;
            // SAFETY: tasks have different outputs.
            let y = unsafe { y.range(place..place + 1) };
            y[0] = sum_lanes(lanes);
        }
    }
}

#[inline(always)]
fn add_rows<const FUSED: bool, F: Format>(sums: &mut [f32], x: &[f32], w: F, weights: &Weights, inputs: Range<usize>) {
    let (size, rows) = (weights.outputs, x.len() / weights.inputs.max(1));
    let whole = size / BLOCK * BLOCK;
    for input in inputs {
        let start = input * size;
        for i in (0..whole).step_by(BLOCK) {
            let w = w.block(start + i);
            for r in 0..rows {
                let (x, sums) = (x[r * weights.inputs + input], &mut sums[r * size + i..][..BLOCK]);
                for l in 0..BLOCK {
                    sums[l] = fma::<FUSED>(w[l], x, sums[l]);
                }
            }
        }
        for i in whole..size {
            let w = w.number(start + i);
            for r in 0..rows {
                let sum = &mut sums[r * size + i];
                *sum = fma::<FUSED>(w, x[r * weights.inputs + input], *sum);
            }
        }
    }
}

/// How many numbers are read at once: a block of the 8-bit format.
const BLOCK: usize = 32;
const BLOCK_BYTES: usize = 2 + BLOCK;

/// Numbers in a format.
trait Format: Copy {
    /// One number.
    fn number(self, i: usize) -> f32;
    /// The numbers from `start` on.
    fn block(self, start: usize) -> [f32; BLOCK];
}

#[derive(Clone, Copy)]
struct Single<'a>(&'a [f32]);

impl Format for Single<'_> {
    #[inline(always)]
    fn number(self, i: usize) -> f32 {
        self.0[i]
    }

    #[inline(always)]
    fn block(self, start: usize) -> [f32; BLOCK] {
        let numbers = &self.0[start..start + BLOCK];
        std::array::from_fn(|i| numbers[i])
    }
}

#[derive(Clone, Copy)]
struct Brain<'a>(&'a [u16]);

impl Format for Brain<'_> {
    #[inline(always)]
    fn number(self, i: usize) -> f32 {
        f32::from_bits((self.0[i] as u32) << 16)
    }

    #[inline(always)]
    fn block(self, start: usize) -> [f32; BLOCK] {
        let bits = &self.0[start..start + BLOCK];
        std::array::from_fn(|i| f32::from_bits((bits[i] as u32) << 16))
    }
}

#[derive(Clone, Copy)]
struct Half<'a>(&'a [u16]);

impl Format for Half<'_> {
    #[inline(always)]
    fn number(self, i: usize) -> f32 {
        from_half(self.0[i])
    }

    #[inline(always)]
    fn block(self, start: usize) -> [f32; BLOCK] {
        let bits = &self.0[start..start + BLOCK];
        std::array::from_fn(|i| from_half(bits[i]))
    }
}

#[derive(Clone, Copy)]
struct Blocks<'a>(&'a [u8]);

impl Format for Blocks<'_> {
    #[inline(always)]
    fn number(self, i: usize) -> f32 {
        self.block(i / BLOCK * BLOCK)[i % BLOCK]
    }

    #[inline(always)]
    fn block(self, start: usize) -> [f32; BLOCK] {
        let bytes = &self.0[start / BLOCK * BLOCK_BYTES..][..BLOCK_BYTES];
        let scale = from_half(u16::from_le_bytes([bytes[0], bytes[1]]));
        std::array::from_fn(|i| bytes[2 + i] as i8 as f32 * scale)
    }
}

/// Half precision to single, without branches and without denormal numbers, which may count as zero here.
#[inline(always)]
fn from_half(bits: u16) -> f32 {
    let (sign, rest) = ((bits as u32 & 0x8000) << 16, (bits as u32 & 0x7fff) << 13);
    let exponent = rest & (0x1f << 23);
    let normal = rest + (112 << 23);
    // 2⁻¹⁴ · (1 + fraction) − 2⁻¹⁴
    let denormal = (f32::from_bits(rest + (113 << 23)) - f32::from_bits(113 << 23)).to_bits();
    let magnitude = if exponent == 0 {
        denormal
    } else if exponent == 0x1f << 23 {
        normal + (112 << 23)
    } else {
        normal
    };
    f32::from_bits(sign | magnitude)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::serially;
    use crate::test_support::{assert_close, random};

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
        }
        all
    }

    fn numbers<'a>(bytes: &'a [u8], words: &'a [u16], singles: &'a [f32], format: u8) -> Numbers<'a> {
        match format {
            0 => Numbers::F32(singles),
            1 => Numbers::Bf16(words),
            2 => Numbers::F16(words),
            _ => Numbers::Q8(bytes),
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
                for (bytes, values, format) in formats(if transposed { inputs } else { outputs }, &w) {
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
    #[should_panic(expected = "rows of 40 numbers are not whole blocks of 32")]
    fn broken_blocks_are_refused() {
        let weights = Weights { numbers: Numbers::Q8(&[0; 34]), inputs: 1, outputs: 40, transposed: false };
        multiply(&mut [0.0; 40], &[0.0], weights, 1);
    }
}
