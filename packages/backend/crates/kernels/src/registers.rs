//! The vector registers of each instruction set, for the few loops that the compiler does not keep in registers.

/// Some numbers in one register.
///
/// # Safety
/// The functions may run only where the processor has the register's instruction set, in functions that are compiled
/// for it; `load` and `store` only on `LANES` numbers that are there.
pub(crate) trait Register: Copy {
    /// How many numbers it holds.
    const LANES: usize;
    /// The same number in each lane.
    unsafe fn splat(x: f32) -> Self;
    /// The numbers from this address on.
    unsafe fn load(from: *const f32) -> Self;
    /// Writes the numbers from this address on.
    unsafe fn store(self, to: *mut f32);
    /// self + b
    unsafe fn add(self, b: Self) -> Self;
    /// a · b + self
    unsafe fn add_product(self, a: Self, b: Self) -> Self;
}

macro_rules! register {
    ($type:ident, $lanes:literal, $splat:ident, $load:ident, $store:ident, $add:ident, |$c:ident, $a:ident, $b:ident| $fma:expr) => {
        #[allow(unused_unsafe, reason = "WebAssembly's functions are safe")]
        impl super::Register for $type {
            const LANES: usize = $lanes;
            #[inline(always)]
            unsafe fn splat(x: f32) -> Self {
                // SAFETY: the caller keeps the trait's contract, here and below.
                unsafe { $splat(x) }
            }
            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                // SAFETY: see above.
                unsafe { $load(from.cast()) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                // SAFETY: see above.
                unsafe { $store(to.cast(), self) }
            }
            #[inline(always)]
            unsafe fn add(self, b: Self) -> Self {
                // SAFETY: see above.
                unsafe { $add(self, b) }
            }
            #[inline(always)]
            unsafe fn add_product(self, $a: Self, $b: Self) -> Self {
                let $c = self;
                // SAFETY: see above.
                unsafe { $fma }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod instructions {
    use std::arch::x86_64::*;

    pub(crate) type Avx512 = __m512;
    pub(crate) type Avx2 = __m256;
    pub(crate) type Baseline = __m128;

    register!(Avx512, 16, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_add_ps, |c, a, b| _mm512_fmadd_ps(
        a, b, c
    ));
    register!(Avx2, 8, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_add_ps, |c, a, b| _mm256_fmadd_ps(
        a, b, c
    ));
    register!(Baseline, 4, _mm_set1_ps, _mm_loadu_ps, _mm_storeu_ps, _mm_add_ps, |c, a, b| _mm_add_ps(
        c,
        _mm_mul_ps(a, b)
    ));
}

#[cfg(target_arch = "aarch64")]
mod instructions {
    use std::arch::aarch64::*;

    pub(crate) type Baseline = float32x4_t;

    register!(Baseline, 4, vdupq_n_f32, vld1q_f32, vst1q_f32, vaddq_f32, |c, a, b| vfmaq_f32(c, a, b));
}

#[cfg(target_arch = "wasm32")]
mod instructions {
    use std::arch::wasm32::*;

    pub(crate) type Baseline = v128;

    register!(Baseline, 4, f32x4_splat, v128_load, v128_store, f32x4_add, |c, a, b| f32x4_add(c, f32x4_mul(a, b)));
}

pub(crate) use instructions::*;
