//! Matrices of weights in the formats that models are kept in: f32, bf16, f16, and blocks of 8 or 4 bits.

use crate::lanes::Lanes;
use crate::matmul::Matrix;
use crate::parallel::{for_each_chunk, items_per_task};
use crate::simd::LANES;
use crate::vectorized;
use std::ops::Range;

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
    /// Blocks of 18 bytes: a scale in half precision, then 32 numbers from −8 to 7, each plus 8 in half a byte, the
    /// first 16 in the lower halves, as llama.cpp's Q4_0.
    Q4(&'a [u8]),
}

impl<'a> From<Matrix<'a>> for Weights<'a> {
    fn from(matrix: Matrix<'a>) -> Self {
        let (inputs, outputs) = matrix.shape();
        Self { numbers: Numbers::F32(matrix.data), inputs, outputs, transposed: matrix.transposed }
    }
}

impl Weights<'_> {
    /// # Panics
    /// If these are not as many numbers as the sizes say, or rows are not whole blocks.
    pub fn check(&self) {
        let (size, row) = (self.inputs * self.outputs, if self.transposed { self.inputs } else { self.outputs });
        let held = match self.numbers {
            Numbers::F32(numbers) => numbers.len(),
            Numbers::Bf16(bits) | Numbers::F16(bits) => bits.len(),
            Numbers::Q8(bytes) => in_blocks(row, bytes, Q8_BYTES),
            Numbers::Q4(bytes) => in_blocks(row, bytes, Q4_BYTES),
        };
        assert_eq!(held, size, "the weights are not {} × {}", self.inputs, self.outputs);
    }
}

impl Weights<'_> {
    /// The numbers from `start` on as f32, on all threads; `start` and the length are whole blocks.
    pub fn read(&self, start: usize, to: &mut [f32]) {
        let size = items_per_task(to.len(), 1).next_multiple_of(BLOCK);
        for_each_chunk(to, size, |task, to| read(self.numbers, start + task * size, to));
    }
}

vectorized! {
    fn read(numbers: Numbers, start: usize, to: &mut [f32]) {
        match numbers {
            Numbers::F32(numbers) => to.copy_from_slice(&numbers[start..start + to.len()]),
            Numbers::Bf16(bits) => read_row::<V, _>(Brain(bits), start, to),
            Numbers::F16(bits) => read_row::<V, _>(Half(bits), start, to),
            Numbers::Q8(bytes) => read_row::<V, _>(Blocks8(bytes), start, to),
            Numbers::Q4(bytes) => read_row::<V, _>(Blocks4(bytes), start, to),
        }
    }
}

#[inline(always)]
fn read_row<'a, V: Lanes, F: Format<'a>>(from: F, start: usize, to: &mut [f32]) {
    let end = start + to.len();
    let (to, rest) = to.as_chunks_mut::<BLOCK>();
    for (to, block) in to.iter_mut().zip(from.row(start..end, rest)) {
        let halves = to.as_chunks_mut().0.iter_mut().zip(F::lanes::<V>(block));
        halves.for_each(|(to, half)| half.store(to));
    }
}

/// y (N, inputs) ← the rows of the weights, stored (outputs, inputs), that `ids` names.
///
/// # Panics
/// If an id is not in [0, outputs).
pub fn rows(ids: &[i32], weights: Weights, y: &mut [f32]) {
    let Weights { inputs, outputs, .. } = weights;
    weights.check();
    assert!(weights.transposed && y.len() == ids.len() * inputs, "there is a row of {inputs} for each id");
    for (n, (&id, y)) in ids.iter().zip(y.chunks_exact_mut(inputs.max(1))).enumerate() {
        let known = id >= 0 && (id as usize) < outputs;
        assert!(known, "the embedding has no id {id} (at position {n}): its table has {outputs} rows");
        read(weights.numbers, id as usize * inputs, y);
    }
}

fn in_blocks(row: usize, bytes: &[u8], block: usize) -> usize {
    assert!(row.is_multiple_of(BLOCK), "rows of {row} numbers are not whole blocks of {BLOCK}");
    bytes.len() / block * BLOCK
}

/// How many numbers share a scale in the formats of blocks: two vectors of [`LANES`].
pub const BLOCK: usize = 32;
const Q8_BYTES: usize = 2 + BLOCK;
const Q4_BYTES: usize = 2 + BLOCK / 2;

/// Numbers in a format.
pub trait Format<'a>: Copy {
    /// How [`BLOCK`] numbers are stored.
    type Block: 'a;

    /// The whole blocks of a row, and the numbers after them, as many as `rest` holds.
    fn row(self, numbers: Range<usize>, rest: &mut [f32]) -> &'a [Self::Block];

    /// The numbers of a block.
    fn lanes<V: Lanes>(block: &Self::Block) -> [V; 2];
}

/// Numbers in f32.
#[derive(Clone, Copy)]
pub struct Single<'a>(pub &'a [f32]);

impl<'a> Format<'a> for Single<'a> {
    type Block = [f32; BLOCK];

    #[inline(always)]
    fn row(self, numbers: Range<usize>, rest: &mut [f32]) -> &'a [Self::Block] {
        let (blocks, last) = self.0[numbers].as_chunks();
        rest.copy_from_slice(last);
        blocks
    }

    #[inline(always)]
    fn lanes<V: Lanes>(block: &Self::Block) -> [V; 2] {
        let [first, second] = halves(block);
        [V::load(first), V::load(second)]
    }
}

/// Numbers in bf16.
#[derive(Clone, Copy)]
pub struct Brain<'a>(pub &'a [u16]);

impl<'a> Format<'a> for Brain<'a> {
    type Block = [u16; BLOCK];

    #[inline(always)]
    fn row(self, numbers: Range<usize>, rest: &mut [f32]) -> &'a [Self::Block] {
        let (blocks, last) = self.0[numbers].as_chunks();
        rest.iter_mut().zip(last).for_each(|(to, bits)| *to = f32::from_bits((*bits as u32) << 16));
        blocks
    }

    #[inline(always)]
    fn lanes<V: Lanes>(block: &Self::Block) -> [V; 2] {
        let [first, second] = halves(block);
        [V::from_brains(first), V::from_brains(second)]
    }
}

/// Numbers in f16.
#[derive(Clone, Copy)]
pub struct Half<'a>(pub &'a [u16]);

impl<'a> Format<'a> for Half<'a> {
    type Block = [u16; BLOCK];

    #[inline(always)]
    fn row(self, numbers: Range<usize>, rest: &mut [f32]) -> &'a [Self::Block] {
        let (blocks, last) = self.0[numbers].as_chunks();
        rest.iter_mut().zip(last).for_each(|(to, bits)| *to = from_half(*bits));
        blocks
    }

    #[inline(always)]
    fn lanes<V: Lanes>(block: &Self::Block) -> [V; 2] {
        let [first, second] = halves(block);
        [V::from_halves(first), V::from_halves(second)]
    }
}

/// Numbers in Q8_0, whose rows are whole blocks.
#[derive(Clone, Copy)]
pub struct Blocks8<'a>(pub &'a [u8]);

impl<'a> Format<'a> for Blocks8<'a> {
    type Block = [u8; Q8_BYTES];

    #[inline(always)]
    fn row(self, numbers: Range<usize>, _: &mut [f32]) -> &'a [Self::Block] {
        &self.0.as_chunks().0[numbers.start / BLOCK..numbers.end / BLOCK]
    }

    #[inline(always)]
    fn lanes<V: Lanes>(block: &Self::Block) -> [V; 2] {
        let [low, high, quanta @ ..] = block;
        let scale = V::splat_half(u16::from_le_bytes([*low, *high]));
        let [first, second] = halves(quanta);
        [V::from_bytes(first).times(scale), V::from_bytes(second).times(scale)]
    }
}

/// Numbers in Q4_0, whose rows are whole blocks.
#[derive(Clone, Copy)]
pub struct Blocks4<'a>(pub &'a [u8]);

impl<'a> Format<'a> for Blocks4<'a> {
    type Block = [u8; Q4_BYTES];

    #[inline(always)]
    fn row(self, numbers: Range<usize>, _: &mut [f32]) -> &'a [Self::Block] {
        &self.0.as_chunks().0[numbers.start / BLOCK..numbers.end / BLOCK]
    }

    #[inline(always)]
    fn lanes<V: Lanes>(block: &Self::Block) -> [V; 2] {
        let [low, high, quanta @ ..] = block;
        let scale = V::splat_half(u16::from_le_bytes([*low, *high]));
        let [first, second] = V::from_nibbles(quanta);
        [first.times(scale), second.times(scale)]
    }
}

#[inline(always)]
fn halves<T>(block: &[T; BLOCK]) -> [&[T; LANES]; 2] {
    let (first, second) = block.split_at(LANES);
    [first, second].map(|half| half.first_chunk().expect("a block is two vectors"))
}

/// Half precision to single, without branches and without denormal numbers, which may count as zero here.
#[inline(always)]
pub fn from_half(bits: u16) -> f32 {
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
