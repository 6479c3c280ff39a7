//! Functions of one number without branches, so that loops over them vectorise.

use crate::simd::fma;

/// eˣ within 2 units in the last place; 0 below −87, infinite above 88.7, NaN for NaN.
#[inline(always)]
pub fn exp<const FUSED: bool>(x: f32) -> f32 {
    // At the lower end n is −126, for which the half has no exponent and is 0; at the upper one the sum is infinite.
    let (p, shifted) = split_exp::<FUSED>(clamp(x, -87.5, 89.0));
    let half = f32::from_bits((shifted << 23).wrapping_add(0.5f32.to_bits())); // 2ⁿ⁻¹, since n can be 128
    let sum = fma::<FUSED>(half, p, half);
    sum + sum
}

/// eˣ − 1 within 4 units in the last place, near 0 too; infinite above 88, NaN for NaN.
#[inline(always)]
pub fn exp_m1<const FUSED: bool>(x: f32) -> f32 {
    let (p, shifted) = split_exp::<FUSED>(clamp(x, -87.0, 88.0));
    let scale = f32::from_bits((shifted << 23).wrapping_add(1f32.to_bits())); // 2ⁿ
    let scaled = fma::<FUSED>(scale, p, scale - 1.0);
    if x > 88.0 {
        f32::INFINITY
    } else {
        scaled
    }
}

/// ln x within 2 units in the last place; −∞ for 0 and what is too small for the usual form, NaN below.
#[inline(always)]
pub fn ln<const FUSED: bool>(x: f32) -> f32 {
    // x = 2ⁿ · (1 + f) with 1 + f in [√½, √2).
    let bits = x.to_bits() as i32;
    let n = bits.wrapping_sub(SQRT_HALF_BITS) >> 23;
    let f = f32::from_bits(bits.wrapping_sub(n << 23) as u32) - 1.0;
    let n = n as f32;
    let mut p = 7.037_683_6e-2;
    p = fma::<FUSED>(p, f, -1.151_461e-1);
    p = fma::<FUSED>(p, f, 1.167_699_9e-1);
    p = fma::<FUSED>(p, f, -1.242_014_1e-1);
    p = fma::<FUSED>(p, f, 1.424_932_3e-1);
    p = fma::<FUSED>(p, f, -1.666_805_8e-1);
    p = fma::<FUSED>(p, f, 2.000_071_5e-1);
    p = fma::<FUSED>(p, f, -2.499_999_4e-1);
    p = fma::<FUSED>(p, f, 3.333_333e-1);
    let z = f * f;
    // ln 2 in two parts, the small one added first.
    let small = fma::<FUSED>(n, -2.121_944_4e-4, p * f * z);
    let ln = fma::<FUSED>(n, 0.693_359_4, fma::<FUSED>(-0.5, z, small) + f);
    if x < f32::MIN_POSITIVE {
        if x < 0.0 {
            f32::NAN
        } else {
            f32::NEG_INFINITY
        }
    } else if x < f32::INFINITY {
        ln
    } else {
        x
    }
}

const SQRT_HALF_BITS: i32 = 0x3f35_04f3;

/// ln(1 + x) within 4 units in the last place, near 0 too; −∞ for −1, NaN below.
#[inline(always)]
pub fn ln_1p<const FUSED: bool>(x: f32) -> f32 {
    let u = 1.0 + x;
    // What rounding 1 + x lost.
    let lost = (x - (u - 1.0)) / u;
    ln::<FUSED>(u) + if x > -1.0 && x < 1e7 { lost } else { 0.0 }
}

/// A number as JavaScript converts it to 32 bits: truncated, modulo 2³²; 0 for NaN and infinity.
#[inline(always)]
pub fn to_int32(x: f64) -> i32 {
    const RANGE: f64 = 4_294_967_296.0;
    // Every step is exact; for infinity the difference is NaN.
    let whole = x.trunc();
    let rest = whole - (whole * (1.0 / RANGE)).floor() * RANGE;
    let bits = (rest + WHOLE).to_bits() as i32;
    if rest.is_nan() {
        0
    } else {
        bits
    }
}

/// aᵇ within 1 unit in the last place, in double precision. As in JavaScript NaN where b is, and for ±1 to an infinite
/// power.
#[inline(always)]
pub fn pow<const FUSED: bool>(a: f32, b: f32) -> f32 {
    let power = exp2::<FUSED>(b as f64 * log2::<FUSED>((a as f64).abs())) as f32;
    let is_whole = b.floor() == b;
    let is_odd = is_whole && (b * 0.5).floor() != b * 0.5;
    if b == 0.0 {
        1.0
    } else if a < 0.0 && a > f32::NEG_INFINITY && !is_whole {
        f32::NAN
    } else if is_odd {
        power.copysign(a)
    } else {
        power
    }
}

/// [`fma`] in double precision.
#[inline(always)]
fn fma_double<const FUSED: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FUSED {
        a.mul_add(b, c)
    } else {
        a * b + c
    }
}

/// 1.5 · 2⁵²: added to a number it leaves the nearest whole one in the low bits.
const WHOLE: f64 = 6_755_399_441_055_744.0;

/// log₂ x within a relative 10⁻¹², for x ≥ 0 that is a single-precision number.
#[inline(always)]
fn log2<const FUSED: bool>(x: f64) -> f64 {
    // x = 2ⁿ · m with m in [√½, √2), and ln m = 2 · artanh(f).
    let bits = x.to_bits() as i64;
    let n = bits.wrapping_sub(std::f64::consts::FRAC_1_SQRT_2.to_bits() as i64) >> 52;
    let m = f64::from_bits(bits.wrapping_sub(n << 52) as u64);
    let f = (m - 1.0) / (m + 1.0);
    let z = f * f;
    let mut p = 1.0 / 13.0;
    for odd in [11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        p = fma_double::<FUSED>(p, z, 1.0 / odd);
    }
    let n = f64::from_bits((WHOLE.to_bits() as i64).wrapping_add(n) as u64) - WHOLE;
    let log = n + p * f * (2.0 * std::f64::consts::LOG2_E);
    if x == 0.0 {
        f64::NEG_INFINITY
    } else if x < f64::INFINITY {
        log
    } else {
        x
    }
}

/// 2ˣ within a relative 10⁻¹¹, between 2⁻²⁰⁰ and 2²⁰⁰, which single precision rounds to 0 and infinity.
#[inline(always)]
fn exp2<const FUSED: bool>(x: f64) -> f64 {
    // Comparisons instead of `clamp`, because they let NaN through.
    let x = if x < -200.0 { -200.0 } else { x };
    let x = if x > 200.0 { 200.0 } else { x };
    let shifted = x + WHOLE;
    let r = (x - (shifted - WHOLE)) * std::f64::consts::LN_2;
    let mut p = 0.0;
    for factorial in [3_628_800.0, 362_880.0, 40_320.0, 5_040.0, 720.0, 120.0, 24.0, 6.0, 2.0, 1.0, 1.0] {
        p = fma_double::<FUSED>(p, r, 1.0 / factorial);
    }
    let n = shifted.to_bits().wrapping_sub(WHOLE.to_bits()).wrapping_add(1023);
    p * f64::from_bits(n << 52)
}

/// 1 / (1 + e⁻ˣ) within 4 units in the last place where it is not below 10⁻³⁸.
#[inline(always)]
pub fn sigmoid<const FUSED: bool>(x: f32) -> f32 {
    1.0 / (1.0 + exp::<FUSED>(-x))
}

/// tanh(x) within 6 units in the last place, near 0 too.
#[inline(always)]
pub fn tanh<const FUSED: bool>(x: f32) -> f32 {
    let e = exp_m1::<FUSED>(-2.0 * x.abs());
    (-e / (2.0 + e)).copysign(x)
}

/// erf(x) = 2/√π · ∫₀ˣ exp(−t²) dt within 6 units in the last place, near 0 too.
#[inline(always)]
pub fn erf<const FUSED: bool>(x: f32) -> f32 {
    let inside = 2.0 * normal_between::<FUSED>(x * std::f32::consts::SQRT_2);
    if x.abs() > 3.88 {
        1f32.copysign(x)
    } else {
        inside
    }
}

/// Φ(x) = ½ · (1 + erf(x/√2)), the normal distribution's function, within 2·10⁻⁷; exactly 0 below −5.5, 1 above 5.5.
#[inline(always)]
pub fn normal<const FUSED: bool>(x: f32) -> f32 {
    let inside = 0.5 + normal_between::<FUSED>(x);
    if x < -5.5 {
        0.0
    } else if x > 5.5 {
        1.0
    } else {
        inside
    }
}

/// Φ(x) − ½ for |x| ≤ 5.5, as x times a ratio of polynomials in x², which was fitted with an error of 8·10⁻⁹.
#[inline(always)]
fn normal_between<const FUSED: bool>(x: f32) -> f32 {
    let z = x * x;
    let p = [3.989_423e-1, 3.370_660_6e-2, 4.667_678_3e-3, 1.672_288e-4, 6.331_079_5e-6, 2.280_564_3e-8];
    let q = [1.0, 2.511_561_3e-1, 2.856_053_3e-2, 1.875_587_7e-3, 7.307_856e-5, 1.197_557_9e-6];
    x * (polynomial::<FUSED, 6>(z, p) / polynomial::<FUSED, 6>(z, q))
}

/// c₀ + c₁x + c₂x² + …
#[inline(always)]
pub fn polynomial<const FUSED: bool, const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let mut sum = coefficients[N - 1];
    for i in (0..N - 1).rev() {
        sum = fma::<FUSED>(sum, x, coefficients[i]);
    }
    sum
}

/// eˣ = 2ⁿ · (1 + p): p, relatively exact near 0 too, and an integer whose low bits are those of n.
#[inline(always)]
fn split_exp<const FUSED: bool>(x: f32) -> (f32, u32) {
    // n = round(x / ln 2): adding and taking away 1.5 · 2²³ rounds to a whole number.
    let shifted = fma::<FUSED>(x, std::f32::consts::LOG2_E, 12_582_912.0);
    let n = shifted - 12_582_912.0;
    // r = x − n · ln 2 in two parts, in [−0.35, 0.35].
    let r = fma::<FUSED>(n, -0.693_359_4, x);
    let r = fma::<FUSED>(n, 2.121_944_4e-4, r);
    let p = [5e-1, 1.666_666_5e-1, 4.166_579_6e-2, 8.333_452e-3, 1.398_199_9e-3, 1.987_569_1e-4];
    let p = polynomial::<FUSED, 6>(r, p);
    (fma::<FUSED>(p, r * r, r), shifted.to_bits())
}

/// x inside [low, high]; comparisons instead of `clamp`, because they let NaN through.
#[inline(always)]
fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < low { low } else { x };
    if x > high {
        high
    } else {
        x
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Units in the last place between our value and the exact one, at worst over a range.
    fn worst(range: (f32, f32), step: f32, ours: impl Fn(f32) -> f32, exact: impl Fn(f64) -> f64) -> f64 {
        let mut worst = 0f64;
        let mut x = range.0;
        while x < range.1 {
            let expected = exact(x as f64);
            let unit = 2f64.powi(expected.abs().log2().floor() as i32 - 23);
            worst = worst.max((ours(x) as f64 - expected).abs() / unit);
            x += step;
        }
        worst
    }

    /// erf by its series up to 3, by its continued fraction above.
    pub(crate) fn exact_erf(x: f64) -> f64 {
        let z = x * x;
        if x.abs() < 3.0 {
            let (mut term, mut sum) = (x, x);
            for n in 1..100 {
                term *= -z / n as f64;
                sum += term / (2 * n + 1) as f64;
            }
            return sum * 2.0 / std::f64::consts::PI.sqrt();
        }
        let fraction = (1..200).rev().fold(0.0, |below, n| n as f64 / 2.0 / (x.abs() + below));
        (1.0 - (-z).exp() / (x.abs() + fraction) / std::f64::consts::PI.sqrt()).copysign(x)
    }

    fn all_are_exact<const FUSED: bool>() {
        assert!(worst((-86.9, 88.7), 0.0137, exp::<FUSED>, f64::exp) <= 2.0);
        assert!(worst((-87.0, 88.0), 0.0137, exp_m1::<FUSED>, f64::exp_m1) <= 4.0);
        assert!(worst((-1.0, 1.0), 1.1e-4, exp_m1::<FUSED>, f64::exp_m1) <= 4.0);
        assert!(worst((1e-8, 1e-6), 1.1e-9, exp_m1::<FUSED>, f64::exp_m1) <= 4.0);
        assert!(worst((1e-30, 1e-20), 1.7e-24, ln::<FUSED>, f64::ln) <= 2.0);
        assert!(worst((0.01, 3.0), 1.1e-4, ln::<FUSED>, f64::ln) <= 2.0);
        assert!(worst((3.0, 1e6), 13.7, ln::<FUSED>, f64::ln) <= 2.0);
        assert!(worst((-0.99, 5.0), 1.1e-3, ln_1p::<FUSED>, f64::ln_1p) <= 4.0);
        assert!(worst((1e-8, 1e-6), 1.1e-9, ln_1p::<FUSED>, f64::ln_1p) <= 4.0);
        assert!(worst((-87.0, 30.0), 0.0137, sigmoid::<FUSED>, |x| 1.0 / (1.0 + (-x).exp())) <= 4.0);
        assert!(worst((-12.0, 12.0), 1.3e-3, tanh::<FUSED>, f64::tanh) <= 6.0);
        assert!(worst((1e-8, 1e-6), 1.1e-9, tanh::<FUSED>, f64::tanh) <= 6.0);
        assert!(worst((-6.0, 6.0), 1.3e-3, erf::<FUSED>, exact_erf) <= 6.0);
        assert!(worst((1e-8, 1e-6), 1.1e-9, erf::<FUSED>, exact_erf) <= 6.0);
        for i in -90_000..=90_000 {
            let x = i as f32 * 1e-4;
            let exact = 0.5 * (1.0 + exact_erf(x as f64 * std::f64::consts::FRAC_1_SQRT_2));
            assert!((normal::<FUSED>(x) as f64 - exact).abs() <= 2e-7);
        }
    }

    #[test]
    fn are_exact() {
        all_are_exact::<true>();
        all_are_exact::<false>();
    }

    #[test]
    fn exp_at_the_ends() {
        assert_eq!(exp::<true>(0.0), 1.0);
        assert_eq!(exp::<true>(-1e9), 0.0);
        assert_eq!(exp::<true>(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp::<true>(1e9), f32::INFINITY);
        assert_eq!(exp::<true>(f32::INFINITY), f32::INFINITY);
    }

    #[test]
    fn powers() {
        for b in [-3.0f32, -1.5, -0.01, 0.3, 0.5, 1.5, 2.0, 3.0, 7.7] {
            assert!(worst((1e-3, 30.0), 1.3e-3, |x| pow::<true>(x, b), |x| x.powf(b as f64)) <= 1.0, "{b}");
        }
        for a in [1e-30f32, 0.1, 0.999, 1.001, 2.0, 1e30] {
            assert!(worst((-1.2, 1.2), 1.3e-4, |b| pow::<true>(a, b), |b| (a as f64).powf(b)) <= 1.0, "{a}");
        }
        let ends = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, 1e38, f32::INFINITY, f32::NEG_INFINITY];
        for a in ends.into_iter().chain([f32::NAN]) {
            for b in ends {
                let unknown = a.abs() == 1.0 && b.is_infinite();
                let (ours, expected) = (pow::<true>(a, b), if unknown { f32::NAN } else { a.powf(b) });
                assert!(
                    ours.to_bits() == expected.to_bits() || (ours.is_nan() && expected.is_nan()),
                    "{a} ^ {b} = {ours}"
                );
            }
            assert!(pow::<true>(a, f32::NAN).is_nan());
        }
    }

    #[test]
    fn logarithms_at_the_ends() {
        for (ln, one) in [(ln::<true> as fn(f32) -> f32, 1.0), (ln_1p::<true>, 0.0)] {
            assert_eq!(ln(one), 0.0);
            assert_eq!(ln(one - 1.0), f32::NEG_INFINITY);
            assert_eq!(ln(f32::INFINITY), f32::INFINITY);
            assert!(ln(one - 1.5).is_nan() && ln(f32::NEG_INFINITY).is_nan() && ln(f32::NAN).is_nan());
        }
    }

    #[test]
    fn the_others_at_the_ends() {
        for (function, low, high) in [
            (exp_m1::<true> as fn(f32) -> f32, -1.0, f32::INFINITY),
            (sigmoid::<true>, 0.0, 1.0),
            (tanh::<true>, -1.0, 1.0),
            (erf::<true>, -1.0, 1.0),
            (normal::<true>, 0.0, 1.0),
        ] {
            assert_eq!([-1e9, f32::NEG_INFINITY].map(function), [low, low]);
            assert_eq!([1e9, f32::INFINITY].map(function), [high, high]);
        }
        assert!([-0.0f32].map(tanh::<true>)[0].is_sign_negative());
    }

    #[test]
    fn nan_stays_nan() {
        for function in [exp::<true>, exp_m1::<true>, sigmoid::<true>, tanh::<true>, erf::<true>, normal::<true>] {
            assert!(function(f32::NAN).is_nan());
        }
    }
}
