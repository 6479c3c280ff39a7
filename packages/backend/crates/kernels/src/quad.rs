//! Vectors of four numbers by the instructions that every processor of an architecture has.

pub use instructions::{add, load, load_bytes, multiply, multiply_add, splat, split_nibbles, store, widen, Quad};

#[cfg(target_arch = "x86_64")]
mod instructions {
    use std::arch::x86_64::*;

    pub type Quad = __m128;

    #[inline(always)]
    pub fn splat(number: f32) -> Quad {
        // SAFETY: SSE2 is always there, here and below.
        unsafe { _mm_set1_ps(number) }
    }

    #[inline(always)]
    pub fn load(numbers: &[f32; 4]) -> Quad {
        // SAFETY: four numbers are read.
        unsafe { _mm_loadu_ps(numbers.as_ptr()) }
    }

    #[inline(always)]
    pub fn store(quad: Quad, to: &mut [f32; 4]) {
        // SAFETY: four numbers are written.
        unsafe { _mm_storeu_ps(to.as_mut_ptr(), quad) }
    }

    #[inline(always)]
    pub fn add(a: Quad, b: Quad) -> Quad {
        // SAFETY: as for `splat`.
        unsafe { _mm_add_ps(a, b) }
    }

    #[inline(always)]
    pub fn multiply(a: Quad, b: Quad) -> Quad {
        // SAFETY: as for `splat`.
        unsafe { _mm_mul_ps(a, b) }
    }

    /// a · b + c
    #[inline(always)]
    pub fn multiply_add(a: Quad, b: Quad, c: Quad) -> Quad {
        add(multiply(a, b), c)
    }

    #[inline(always)]
    pub fn load_bytes(bytes: &[u8; 16]) -> __m128i {
        // SAFETY: 16 bytes are read.
        unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
    }

    /// Signed bytes as numbers: each is doubled to a word of which it is the upper half, then shifted down.
    #[inline(always)]
    pub fn widen(bytes: __m128i) -> [Quad; 4] {
        // SAFETY: as for `splat`.
        unsafe {
            let words = [_mm_unpacklo_epi8(bytes, bytes), _mm_unpackhi_epi8(bytes, bytes)];
            let [a, b] = words.map(|words| [_mm_unpacklo_epi16(words, words), _mm_unpackhi_epi16(words, words)]);
            [a[0], a[1], b[0], b[1]].map(|quad| _mm_cvtepi32_ps(_mm_srai_epi32::<24>(quad)))
        }
    }

    /// The lower and the upper halves of bytes, less 8.
    #[inline(always)]
    pub fn split_nibbles(bytes: __m128i) -> [__m128i; 2] {
        // SAFETY: as for `splat`.
        unsafe {
            let (mask, eight) = (_mm_set1_epi8(15), _mm_set1_epi8(8));
            [bytes, _mm_srli_epi16::<4>(bytes)].map(|bytes| _mm_sub_epi8(_mm_and_si128(bytes, mask), eight))
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod instructions {
    use std::arch::aarch64::*;

    pub type Quad = float32x4_t;

    #[inline(always)]
    pub fn splat(number: f32) -> Quad {
        // SAFETY: NEON is always there, here and below.
        unsafe { vdupq_n_f32(number) }
    }

    #[inline(always)]
    pub fn load(numbers: &[f32; 4]) -> Quad {
        // SAFETY: four numbers are read.
        unsafe { vld1q_f32(numbers.as_ptr()) }
    }

    #[inline(always)]
    pub fn store(quad: Quad, to: &mut [f32; 4]) {
        // SAFETY: four numbers are written.
        unsafe { vst1q_f32(to.as_mut_ptr(), quad) }
    }

    #[inline(always)]
    pub fn add(a: Quad, b: Quad) -> Quad {
        // SAFETY: as for `splat`.
        unsafe { vaddq_f32(a, b) }
    }

    #[inline(always)]
    pub fn multiply(a: Quad, b: Quad) -> Quad {
        // SAFETY: as for `splat`.
        unsafe { vmulq_f32(a, b) }
    }

    /// a · b + c
    #[inline(always)]
    pub fn multiply_add(a: Quad, b: Quad, c: Quad) -> Quad {
        // SAFETY: as for `splat`.
        unsafe { vfmaq_f32(c, a, b) }
    }

    #[inline(always)]
    pub fn load_bytes(bytes: &[u8; 16]) -> int8x16_t {
        // SAFETY: 16 bytes are read.
        unsafe { vld1q_s8(bytes.as_ptr().cast()) }
    }

    /// Signed bytes as numbers.
    #[inline(always)]
    pub fn widen(bytes: int8x16_t) -> [Quad; 4] {
        // SAFETY: as for `splat`.
        unsafe {
            let words = [vmovl_s8(vget_low_s8(bytes)), vmovl_high_s8(bytes)];
            let [a, b] = words.map(|words| [vmovl_s16(vget_low_s16(words)), vmovl_high_s16(words)]);
            [vcvtq_f32_s32(a[0]), vcvtq_f32_s32(a[1]), vcvtq_f32_s32(b[0]), vcvtq_f32_s32(b[1])]
        }
    }

    /// The lower and the upper halves of bytes, less 8.
    #[inline(always)]
    pub fn split_nibbles(bytes: int8x16_t) -> [int8x16_t; 2] {
        // SAFETY: as for `splat`.
        unsafe {
            let (bytes, eight) = (vreinterpretq_u8_s8(bytes), vdupq_n_s8(8));
            [vandq_u8(bytes, vdupq_n_u8(15)), vshrq_n_u8::<4>(bytes)]
                .map(|half| vsubq_s8(vreinterpretq_s8_u8(half), eight))
        }
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod instructions {
    use std::arch::wasm32::*;

    pub type Quad = v128;

    #[inline(always)]
    pub fn splat(number: f32) -> Quad {
        f32x4_splat(number)
    }

    #[inline(always)]
    pub fn load(numbers: &[f32; 4]) -> Quad {
        // SAFETY: four numbers are read.
        unsafe { v128_load(numbers.as_ptr().cast()) }
    }

    #[inline(always)]
    pub fn store(quad: Quad, to: &mut [f32; 4]) {
        // SAFETY: four numbers are written.
        unsafe { v128_store(to.as_mut_ptr().cast(), quad) }
    }

    #[inline(always)]
    pub fn add(a: Quad, b: Quad) -> Quad {
        f32x4_add(a, b)
    }

    #[inline(always)]
    pub fn multiply(a: Quad, b: Quad) -> Quad {
        f32x4_mul(a, b)
    }

    /// a · b + c
    #[inline(always)]
    pub fn multiply_add(a: Quad, b: Quad, c: Quad) -> Quad {
        add(multiply(a, b), c)
    }

    #[inline(always)]
    pub fn load_bytes(bytes: &[u8; 16]) -> v128 {
        // SAFETY: 16 bytes are read.
        unsafe { v128_load(bytes.as_ptr().cast()) }
    }

    /// Signed bytes as numbers.
    #[inline(always)]
    pub fn widen(bytes: v128) -> [Quad; 4] {
        let words = [i16x8_extend_low_i8x16(bytes), i16x8_extend_high_i8x16(bytes)];
        let [a, b] = words.map(|words| [i32x4_extend_low_i16x8(words), i32x4_extend_high_i16x8(words)]);
        [a[0], a[1], b[0], b[1]].map(|quad| f32x4_convert_i32x4(quad))
    }

    /// The lower and the upper halves of bytes, less 8.
    #[inline(always)]
    pub fn split_nibbles(bytes: v128) -> [v128; 2] {
        let halves = [v128_and(bytes, u8x16_splat(15)), u8x16_shr(bytes, 4)];
        halves.map(|half| i8x16_sub(half, i8x16_splat(8)))
    }
}
