//! Vectors by hand, for loops that the compiler does not vectorise dependably.

use crate::quad::{self, Quad};
use crate::simd::{sum_lanes, LANES};
use crate::weights::from_half;

/// [`LANES`] numbers in registers. [`crate::vectorized!`] names the type for its instruction set `V`; the methods must
/// only be called there.
pub trait Lanes: Copy {
    /// Zeros.
    fn zero() -> Self;

    /// As they are in memory.
    fn load(numbers: &[f32; LANES]) -> Self;

    /// One number in half precision, in all lanes.
    fn splat_half(bits: u16) -> Self;

    /// Numbers in half precision.
    fn from_halves(bits: &[u16; LANES]) -> Self;

    /// Numbers in bf16, the upper half of single precision's bits.
    fn from_brains(bits: &[u16; LANES]) -> Self;

    /// Signed bytes.
    fn from_bytes(bytes: &[u8; LANES]) -> Self;

    /// The lower halves of bytes, and their upper halves, each as a number from −8 to 7 plus 8.
    fn from_nibbles(bytes: &[u8; LANES]) -> [Self; 2];

    /// self + other
    fn plus(self, other: Self) -> Self;

    /// self · other
    fn times(self, other: Self) -> Self;

    /// self + a · b
    fn plus_product(self, a: Self, b: Self) -> Self;

    /// The numbers.
    fn store(self, to: &mut [f32; LANES]);

    /// Σ, in the order of [`sum_lanes`].
    #[inline(always)]
    fn sum(self) -> f32 {
        let mut numbers = [0.0; LANES];
        self.store(&mut numbers);
        sum_lanes(numbers)
    }
}

/// Four registers of four numbers, which every processor has.
#[derive(Clone, Copy)]
pub struct Quads([Quad; 4]);

impl Quads {
    /// By way of memory, where the compiler vectorises this.
    #[inline(always)]
    fn converted<T: Copy>(from: &[T; LANES], number: impl Fn(T) -> f32) -> Self {
        #[inline(never)]
        fn convert<T: Copy>(from: &[T; LANES], to: &mut [f32; LANES], number: impl Fn(T) -> f32) {
            to.iter_mut().zip(from).for_each(|(to, from)| *to = number(*from));
        }
        let mut lanes = [0.0; LANES];
        convert(from, &mut lanes, number);
        Self::load(&lanes)
    }
}

impl Lanes for Quads {
    #[inline(always)]
    fn zero() -> Self {
        Self([quad::splat(0.0); 4])
    }

    #[inline(always)]
    fn load(numbers: &[f32; LANES]) -> Self {
        let quads = numbers.as_chunks().0;
        Self(std::array::from_fn(|i| quad::load(&quads[i])))
    }

    #[inline(always)]
    fn splat_half(bits: u16) -> Self {
        Self([quad::splat(from_half(bits)); 4])
    }

    #[inline(always)]
    fn from_halves(bits: &[u16; LANES]) -> Self {
        Self::converted(bits, from_half)
    }

    #[inline(always)]
    fn from_brains(bits: &[u16; LANES]) -> Self {
        Self::converted(bits, |bits| f32::from_bits((bits as u32) << 16))
    }

    #[inline(always)]
    fn from_bytes(bytes: &[u8; LANES]) -> Self {
        Self(quad::widen(quad::load_bytes(bytes)))
    }

    #[inline(always)]
    fn from_nibbles(bytes: &[u8; LANES]) -> [Self; 2] {
        let [lower, upper] = quad::split_nibbles(quad::load_bytes(bytes));
        [Self(quad::widen(lower)), Self(quad::widen(upper))]
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| quad::add(self.0[i], other.0[i])))
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| quad::multiply(self.0[i], other.0[i])))
    }

    #[inline(always)]
    fn plus_product(self, a: Self, b: Self) -> Self {
        Self(std::array::from_fn(|i| quad::multiply_add(a.0[i], b.0[i], self.0[i])))
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; LANES]) {
        let quads = to.as_chunks_mut().0;
        (0..4).for_each(|i| quad::store(self.0[i], &mut quads[i]));
    }
}

#[cfg(target_arch = "x86_64")]
pub use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    // SAFETY: here, the instructions are there, because `vectorized!` has asked the processor; the loads and stores stay
    // within their arrays.
    #![allow(clippy::undocumented_unsafe_blocks, reason = "the same one holds for all of them, and stands above")]

    use super::{Lanes, LANES};
    use std::arch::x86_64::*;

    /// One register.
    #[derive(Clone, Copy)]
    pub struct Avx512(__m512);

    impl Lanes for Avx512 {
        #[inline(always)]
        fn zero() -> Self {
            Self(unsafe { _mm512_setzero_ps() })
        }

        #[inline(always)]
        fn load(numbers: &[f32; LANES]) -> Self {
            Self(unsafe { _mm512_loadu_ps(numbers.as_ptr()) })
        }

        #[inline(always)]
        fn splat_half(bits: u16) -> Self {
            Self(unsafe { _mm512_cvtph_ps(_mm256_set1_epi16(bits as i16)) })
        }

        #[inline(always)]
        fn from_halves(bits: &[u16; LANES]) -> Self {
            Self(unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(bits.as_ptr().cast())) })
        }

        #[inline(always)]
        fn from_brains(bits: &[u16; LANES]) -> Self {
            Self(unsafe {
                let wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(bits.as_ptr().cast()));
                _mm512_castsi512_ps(_mm512_slli_epi32::<16>(wide))
            })
        }

        #[inline(always)]
        fn from_bytes(bytes: &[u8; LANES]) -> Self {
            Self(unsafe { _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(bytes.as_ptr().cast()))) })
        }

        #[inline(always)]
        fn from_nibbles(bytes: &[u8; LANES]) -> [Self; 2] {
            unsafe {
                let [lower, upper] = signed_nibbles(bytes);
                let part = |bytes| Self(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes)));
                [part(lower), part(upper)]
            }
        }

        #[inline(always)]
        fn plus(self, other: Self) -> Self {
            Self(unsafe { _mm512_add_ps(self.0, other.0) })
        }

        #[inline(always)]
        fn times(self, other: Self) -> Self {
            Self(unsafe { _mm512_mul_ps(self.0, other.0) })
        }

        #[inline(always)]
        fn plus_product(self, a: Self, b: Self) -> Self {
            Self(unsafe { _mm512_fmadd_ps(a.0, b.0, self.0) })
        }

        #[inline(always)]
        fn store(self, to: &mut [f32; LANES]) {
            unsafe { _mm512_storeu_ps(to.as_mut_ptr(), self.0) }
        }
    }

    /// Two registers.
    #[derive(Clone, Copy)]
    pub struct Avx2(__m256, __m256);

    impl Lanes for Avx2 {
        #[inline(always)]
        fn zero() -> Self {
            unsafe { Self(_mm256_setzero_ps(), _mm256_setzero_ps()) }
        }

        #[inline(always)]
        fn load(numbers: &[f32; LANES]) -> Self {
            unsafe { Self(_mm256_loadu_ps(numbers.as_ptr()), _mm256_loadu_ps(numbers.as_ptr().add(8))) }
        }

        #[inline(always)]
        fn splat_half(bits: u16) -> Self {
            let lanes = unsafe { _mm256_cvtph_ps(_mm_set1_epi16(bits as i16)) };
            Self(lanes, lanes)
        }

        #[inline(always)]
        fn from_halves(bits: &[u16; LANES]) -> Self {
            let part = |start| unsafe { _mm256_cvtph_ps(_mm_loadu_si128(bits[start..].as_ptr().cast())) };
            Self(part(0), part(8))
        }

        #[inline(always)]
        fn from_brains(bits: &[u16; LANES]) -> Self {
            let part = |start| unsafe {
                let wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(bits[start..].as_ptr().cast()));
                _mm256_castsi256_ps(_mm256_slli_epi32::<16>(wide))
            };
            Self(part(0), part(8))
        }

        #[inline(always)]
        fn from_bytes(bytes: &[u8; LANES]) -> Self {
            unsafe { widened(_mm_loadu_si128(bytes.as_ptr().cast())) }
        }

        #[inline(always)]
        fn from_nibbles(bytes: &[u8; LANES]) -> [Self; 2] {
            unsafe {
                let [lower, upper] = signed_nibbles(bytes);
                [widened(lower), widened(upper)]
            }
        }

        #[inline(always)]
        fn plus(self, other: Self) -> Self {
            unsafe { Self(_mm256_add_ps(self.0, other.0), _mm256_add_ps(self.1, other.1)) }
        }

        #[inline(always)]
        fn times(self, other: Self) -> Self {
            unsafe { Self(_mm256_mul_ps(self.0, other.0), _mm256_mul_ps(self.1, other.1)) }
        }

        #[inline(always)]
        fn plus_product(self, a: Self, b: Self) -> Self {
            unsafe { Self(_mm256_fmadd_ps(a.0, b.0, self.0), _mm256_fmadd_ps(a.1, b.1, self.1)) }
        }

        #[inline(always)]
        fn store(self, to: &mut [f32; LANES]) {
            unsafe {
                _mm256_storeu_ps(to.as_mut_ptr(), self.0);
                _mm256_storeu_ps(to.as_mut_ptr().add(8), self.1);
            }
        }
    }

    /// Signed bytes as numbers.
    #[inline(always)]
    unsafe fn widened(bytes: __m128i) -> Avx2 {
        unsafe {
            let upper = _mm_unpackhi_epi64(bytes, bytes);
            let part = |bytes| _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
            Avx2(part(bytes), part(upper))
        }
    }

    /// Lower and upper halves of bytes, less 8.
    #[inline(always)]
    unsafe fn signed_nibbles(bytes: &[u8; LANES]) -> [__m128i; 2] {
        unsafe {
            let bytes = _mm_loadu_si128(bytes.as_ptr().cast());
            let (mask, eight) = (_mm_set1_epi8(15), _mm_set1_epi8(8));
            let part = |bytes| _mm_sub_epi8(_mm_and_si128(bytes, mask), eight);
            [part(bytes), part(_mm_srli_epi16::<4>(bytes))]
        }
    }
}
