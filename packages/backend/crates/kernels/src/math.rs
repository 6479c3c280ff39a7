//! Functions of one number without branches, so that loops over them vectorise.

use crate::simd::fma;

/// eˣ within 2 units in the last place; 0 below −87.3, infinite above 88.7, NaN for NaN.
#[inline(always)]
pub fn exp<const FUSED: bool>(x: f32) -> f32 {
    // Comparisons instead of `clamp`, because they let NaN through.
    let x = if x < -87.336_54 { -87.336_54 } else { x };
    let clamped = if x > 88.722_84 { 88.722_84 } else { x };
    // n = round(x / ln 2): adding and taking away 1.5 · 2²³ rounds to a whole number.
    let shifted = fma::<FUSED>(clamped, std::f32::consts::LOG2_E, 12_582_912.0);
    let n = shifted - 12_582_912.0;
    // r = x − n · ln 2 in two parts, in [−0.35, 0.35].
    let r = fma::<FUSED>(n, -0.693_359_4, clamped);
    let r = fma::<FUSED>(n, 2.121_944_4e-4, r);
    let mut p = 1.987_569_1e-4;
    p = fma::<FUSED>(p, r, 1.398_199_9e-3);
    p = fma::<FUSED>(p, r, 8.333_452e-3);
    p = fma::<FUSED>(p, r, 4.166_579_6e-2);
    p = fma::<FUSED>(p, r, 1.666_666_5e-1);
    p = fma::<FUSED>(p, r, 5e-1);
    let p = fma::<FUSED>(p, r * r, r) + 1.0;
    // 2ⁿ in two factors, since n can be 128.
    let bits = shifted.to_bits().wrapping_sub(12_582_912f32.to_bits()) as i32;
    let half = bits >> 1;
    let scaled = p * power_of_two(half) * power_of_two(bits - half);
    if x < -87.336_53 {
        0.0
    } else if x > 88.722_83 {
        f32::INFINITY
    } else {
        scaled
    }
}

/// 2ⁿ for −126 ≤ n ≤ 127.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits(((n + 127) << 23) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within_two_units<const FUSED: bool>() {
        let mut x = -87.3f32;
        while x < 88.7 {
            let (ours, exact) = (exp::<FUSED>(x), (x as f64).exp());
            assert!((ours as f64 - exact).abs() <= 2.5e-7 * exact, "exp({x}) = {ours}, not {exact}");
            x += 0.0137;
        }
    }

    #[test]
    fn exp_is_exact() {
        within_two_units::<true>();
        within_two_units::<false>();
    }

    #[test]
    fn exp_at_the_ends() {
        assert_eq!(exp::<true>(0.0), 1.0);
        assert_eq!(exp::<true>(-1e9), 0.0);
        assert_eq!(exp::<true>(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp::<true>(1e9), f32::INFINITY);
        assert_eq!(exp::<true>(f32::INFINITY), f32::INFINITY);
        assert!(exp::<true>(f32::NAN).is_nan());
    }
}
