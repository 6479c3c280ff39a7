//! Instruction sets, chosen when the program runs.
//!
//! [`vectorized!`] compiles a function once for each instruction set and picks the best one that the processor has. The
//! body is plain Rust in a form that the compiler vectorises: loops over slices of equal length, and arrays of
//! [`LANES`] running sums where numbers are added up, since the compiler never reorders a floating-point sum.

use std::sync::OnceLock;

/// How many numbers a running sum is spread over. A sum over lanes is the same on every instruction set.
pub const LANES: usize = 16;

/// An instruction set, the better one greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What every processor of this architecture has: SSE2, NEON or simd128.
    Baseline,
    /// AVX2 with fused multiply-add and half precision.
    Avx2,
    /// AVX-512 F, BW, DQ and VL.
    Avx512,
}

/// The instruction set in use: the best one that there is, or the one that `TESSERA_SIMD` names if it is worse
/// (`baseline`, `avx2`, `avx512`).
pub fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| wanted().map_or(detected(), |level| level.min(detected())))
}

fn wanted() -> Option<Level> {
    match std::env::var("TESSERA_SIMD").ok()?.as_str() {
        "baseline" => Some(Level::Baseline),
        "avx2" => Some(Level::Avx2),
        "avx512" => Some(Level::Avx512),
        _ => None,
    }
}

#[cfg(target_arch = "x86_64")]
fn detected() -> Level {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    match (avx2, avx512) {
        (true, true) => Level::Avx512,
        (true, false) => Level::Avx2,
        _ => Level::Baseline,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detected() -> Level {
    Level::Baseline
}

/// `a · b + c`, rounded once where the instruction set does that in one step (`FUSED`), else twice.
#[inline(always)]
pub fn fma<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED {
        a.mul_add(b, c)
    } else {
        a * b + c
    }
}

/// The sum of the lanes, in a fixed order: halves are added until one number is left.
#[inline(always)]
pub fn sum_lanes(mut lanes: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// Compiles a function for each instruction set and runs the best one.
///
/// Inside the body `FUSED` is a constant for [`fma`], and `V` a type for vectors by hand ([`crate::lanes::Lanes`]). Whatever the body calls must be `#[inline(always)]`, or it is
/// compiled for the baseline only. Generic parameters are not possible; const values can be arguments.
///
/// ```
/// tessera_kernels::vectorized! {
///     /// y ← a · x + y
///     pub fn axpy(a: f32, x: &[f32], y: &mut [f32]) {
///         for (y, x) in y.iter_mut().zip(x) {
///             *y = tessera_kernels::simd::fma::<FUSED>(a, *x, *y);
///         }
///     }
/// }
/// let mut y = [1.0, 2.0];
/// axpy(2.0, &[3.0, 4.0], &mut y);
/// assert_eq!(y, [7.0, 10.0]);
/// ```
#[macro_export]
macro_rules! vectorized {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name($($arg: $type),*) $(-> $result)? {
            #[inline(always)]
            #[allow(clippy::extra_unused_type_parameters)]
            fn body<const FUSED: bool, V: $crate::lanes::Lanes>($($arg: $type),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]
            fn avx512($($arg: $type),*) $(-> $result)? { body::<true, $crate::lanes::Avx512>($($arg),*) }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c")]
            fn avx2($($arg: $type),*) $(-> $result)? { body::<true, $crate::lanes::Avx2>($($arg),*) }

            #[cfg(target_arch = "x86_64")]
            match $crate::simd::level() {
                // SAFETY: `level` has seen that the processor has these instructions.
                $crate::simd::Level::Avx512 => return unsafe { avx512($($arg),*) },
                // SAFETY: as above.
                $crate::simd::Level::Avx2 => return unsafe { avx2($($arg),*) },
                $crate::simd::Level::Baseline => {}
            }
            // NEON multiplies and adds in one step; SSE2 and simd128 do not.
            body::<{ cfg!(target_arch = "aarch64") }, $crate::lanes::Quads>($($arg),*)
        }
    };
}

/// Makes numbers too small for the usual form zero on this thread: computing with them is up to a hundred times slower.
pub fn flush_denormals() {
    #[cfg(target_arch = "x86_64")]
    {
        let mut control = 0u32;
        // SAFETY: reads and writes the floating-point control register of this thread; SSE is always there.
        unsafe {
            std::arch::asm!("stmxcsr [{}]", in(reg) &mut control);
            control |= 0x8040;
            std::arch::asm!("ldmxcsr [{}]", in(reg) &control);
        }
    }
    #[cfg(target_arch = "aarch64")]
    {
        let mut control: u64;
        // SAFETY: sets one bit of the floating-point control register of this thread.
        unsafe {
            std::arch::asm!("mrs {}, fpcr", out(reg) control);
            control |= 1 << 24;
            std::arch::asm!("msr fpcr, {}", in(reg) control);
        }
    }
}
