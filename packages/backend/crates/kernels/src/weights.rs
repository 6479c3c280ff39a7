//! Matrices of weights in the formats that models are kept in: f32, bf16, f16, and blocks of 8 or 4 bits.

use crate::matmul::Matrix;
use crate::parallel::{for_each_chunk, items_per_task};
use crate::vectorized;

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
            Numbers::Bf16(bits) => _ = Brain(bits).read(start, to),
            Numbers::F16(bits) => _ = Half(bits).read(start, to),
            Numbers::Q8(bytes) => _ = Blocks8(bytes).read(start, to),
            Numbers::Q4(bytes) => _ = Blocks4(bytes).read(start, to),
        }
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

/// How many numbers share a scale in the formats of blocks.
pub const BLOCK: usize = 32;
const Q8_BYTES: usize = 2 + BLOCK;
const Q4_BYTES: usize = 2 + BLOCK / 2;

/// Numbers in a format.
pub trait Format: Copy {
    /// The numbers from `start` on, as many as the buffer holds; in the buffer, if they are not there as they should be.
    fn read<'b>(self, start: usize, buffer: &'b mut [f32]) -> &'b [f32]
    where
        Self: 'b;
}

/// Numbers in f32.
#[derive(Clone, Copy)]
pub struct Single<'a>(pub &'a [f32]);

impl Format for Single<'_> {
    #[inline(always)]
    fn read<'b>(self, start: usize, buffer: &'b mut [f32]) -> &'b [f32]
    where
        Self: 'b,
    {
        &self.0[start..start + buffer.len()]
    }
}

/// Numbers in bf16.
#[derive(Clone, Copy)]
pub struct Brain<'a>(pub &'a [u16]);

impl Format for Brain<'_> {
    #[inline(always)]
    fn read<'b>(self, start: usize, buffer: &'b mut [f32]) -> &'b [f32]
    where
        Self: 'b,
    {
        let bits = &self.0[start..start + buffer.len()];
        buffer.iter_mut().zip(bits).for_each(|(number, bits)| *number = f32::from_bits((*bits as u32) << 16));
        buffer
    }
}

/// Numbers in f16.
#[derive(Clone, Copy)]
pub struct Half<'a>(pub &'a [u16]);

impl Format for Half<'_> {
    #[inline(always)]
    fn read<'b>(self, start: usize, buffer: &'b mut [f32]) -> &'b [f32]
    where
        Self: 'b,
    {
        let bits = &self.0[start..start + buffer.len()];
        buffer.iter_mut().zip(bits).for_each(|(number, bits)| *number = from_half(*bits));
        buffer
    }
}

/// Numbers in Q8_0.
#[derive(Clone, Copy)]
pub struct Blocks8<'a>(pub &'a [u8]);

impl Format for Blocks8<'_> {
    /// Pieces begin and end with blocks.
    #[inline(always)]
    fn read<'b>(self, start: usize, buffer: &'b mut [f32]) -> &'b [f32]
    where
        Self: 'b,
    {
        let blocks = self.0[start / BLOCK * Q8_BYTES..].as_chunks::<Q8_BYTES>().0;
        for (numbers, block) in buffer.as_chunks_mut::<BLOCK>().0.iter_mut().zip(blocks) {
            let scale = from_half(u16::from_le_bytes([block[0], block[1]]));
            *numbers = std::array::from_fn(|i| block[2 + i] as i8 as f32 * scale);
        }
        buffer
    }
}

/// Numbers in Q4_0.
#[derive(Clone, Copy)]
pub struct Blocks4<'a>(pub &'a [u8]);

impl Format for Blocks4<'_> {
    /// Pieces begin and end with blocks.
    #[inline(always)]
    fn read<'b>(self, start: usize, buffer: &'b mut [f32]) -> &'b [f32]
    where
        Self: 'b,
    {
        let blocks = self.0[start / BLOCK * Q4_BYTES..].as_chunks::<Q4_BYTES>().0;
        for (numbers, block) in buffer.as_chunks_mut::<BLOCK>().0.iter_mut().zip(blocks) {
            let scale = from_half(u16::from_le_bytes([block[0], block[1]]));
            let (low, high) = numbers.split_at_mut(BLOCK / 2);
            for ((low, high), byte) in low.iter_mut().zip(high).zip(&block[2..]) {
                *low = ((byte & 15) as i32 - 8) as f32 * scale;
                *high = ((byte >> 4) as i32 - 8) as f32 * scale;
            }
        }
        buffer
    }
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
