//! Operations on one array element by element, conversions and constants.

use crate::math::{self, to_int32};
use crate::parallel::{for_each_chunk, for_each_range, items_per_task, Disjoint, TASK_WORK};
use crate::vectorized;

macro_rules! unary {
    ($($(#[$doc:meta])+ $name:ident($($parameter:ident: $kind:ty),*): $input:ty => $output:ty, $work:literal,
       |$x:ident| $value:expr;)*) => {$(
        $(#[$doc])+
        pub fn $name($($parameter: $kind,)* x: &[$input], y: &mut [$output]) {
            vectorized! {
                fn kernel($($parameter: $kind,)* x: &[$input], y: &mut [$output]) {
                    for (y, &$x) in y.iter_mut().zip(x) {
                        *y = $value;
                    }
                }
            }
            on_all_threads($work, x, y, |x, y| kernel($($parameter,)* x, y));
        }
    )*};
}

/// float32
pub mod float {
    use super::*;

    unary! {
        /// −x
        neg(): f32 => f32, 1, |x| -x;
        /// |x|
        abs(): f32 => f32, 1, |x| x.abs();
        /// x²
        square(): f32 => f32, 1, |x| x * x;
        /// 1 / x
        reciprocal(): f32 => f32, 1, |x| 1.0 / x;
        /// √x
        sqrt(): f32 => f32, 1, |x| x.sqrt();
        /// 1 / √x
        rsqrt(): f32 => f32, 1, |x| 1.0 / x.sqrt();
        /// −1, 0 or 1; 0 for NaN
        sign(): f32 => f32, 1, |x| if x > 0.0 { 1.0 } else if x < 0.0 { -1.0 } else { 0.0 };
        /// ⌊x⌋
        floor(): f32 => f32, 1, |x| x.floor();
        /// ⌈x⌉
        ceil(): f32 => f32, 1, |x| x.ceil();
        /// The nearest whole number, the even one of two
        round(): f32 => f32, 1, |x| x.round_ties_even();
        /// eˣ
        exp(): f32 => f32, 4, |x| math::exp::<FUSED>(x);
        /// eˣ − 1
        expm1(): f32 => f32, 4, |x| math::exp_m1::<FUSED>(x);
        /// ln x
        log(): f32 => f32, 4, |x| math::ln::<FUSED>(x);
        /// ln(1 + x)
        log1p(): f32 => f32, 4, |x| math::ln_1p::<FUSED>(x);
        /// 1 / (1 + e⁻ˣ)
        sigmoid(): f32 => f32, 4, |x| math::sigmoid::<FUSED>(x);
        /// ln(1 + eˣ)
        softplus(): f32 => f32, 8, |x| softplus_of::<FUSED>(x);
        /// tanh x
        tanh(): f32 => f32, 4, |x| math::tanh::<FUSED>(x);
        /// erf x
        erf(): f32 => f32, 8, |x| math::erf::<FUSED>(x);
        /// max(x, 0)
        relu(): f32 => f32, 1, |x| if x < 0.0 { 0.0 } else { x };
        /// min(max(x, 0), 6)
        relu6(): f32 => f32, 1, |x| x.clamp(0.0, 6.0);
        /// x, but α · x below 0
        leaky_relu(alpha: f32): f32 => f32, 1, |x| if x < 0.0 { alpha * x } else { x };
        /// x, but eˣ − 1 below 0
        elu(): f32 => f32, 4, |x| if x < 0.0 { math::exp_m1::<FUSED>(x) } else { x };
        /// λx, but λα(eˣ − 1) below 0. Klambauer et al. 2017
        selu(): f32 => f32, 4, |x| if x < 0.0 { SELU_BELOW * math::exp_m1::<FUSED>(x) } else { SELU_ABOVE * x };
        /// 1 above 0, else `low`; NaN for NaN
        step(low: f32): f32 => f32, 1, |x| if x > 0.0 { 1.0 } else if x <= 0.0 { low } else { f32::NAN };
        /// x inside [low, high]; NaN for NaN
        clip(low: f32, high: f32): f32 => f32, 1, |x| if x > high { high } else if x < low { low } else { x };
        /// sin x
        sin(): f32 => f32, 16, |x| x.sin();
        /// cos x
        cos(): f32 => f32, 16, |x| x.cos();
        /// tan x; in double precision, as it is steep
        tan(): f32 => f32, 16, |x| (x as f64).tan() as f32;
        /// arcsin x
        asin(): f32 => f32, 16, |x| x.asin();
        /// arccos x
        acos(): f32 => f32, 16, |x| x.acos();
        /// arctan x
        atan(): f32 => f32, 16, |x| x.atan();
        /// sinh x
        sinh(): f32 => f32, 16, |x| x.sinh();
        /// cosh x
        cosh(): f32 => f32, 16, |x| x.cosh();
        /// arsinh x; in double precision, as single loses digits
        asinh(): f32 => f32, 16, |x| (x as f64).asinh() as f32;
        /// arcosh x; in double precision, as single loses digits
        acosh(): f32 => f32, 16, |x| (x as f64).acosh() as f32;
        /// artanh x; in double precision, as single loses digits
        atanh(): f32 => f32, 16, |x| (x as f64).atanh() as f32;
        /// Whether x is NaN
        is_nan(): f32 => u8, 1, |x| x.is_nan() as u8;
        /// Whether x is infinite
        is_inf(): f32 => u8, 1, |x| x.is_infinite() as u8;
        /// Whether x is neither
        is_finite(): f32 => u8, 1, |x| x.is_finite() as u8;
        /// To int32: truncated, modulo 2³²; 0 for NaN and infinity
        to_int(): f32 => i32, 1, |x| to_int32(x as f64);
        /// To bool: whether x ≠ 0, true for NaN
        to_bool(): f32 => u8, 1, |x| (x != 0.0) as u8;
    }
}

/// int32, as TensorFlow.js computes it on the CPU: in double precision, then modulo 2³²
pub mod int {
    use super::*;

    unary! {
        /// −x
        neg(): i32 => i32, 1, |x| x.wrapping_neg();
        /// |x|
        abs(): i32 => i32, 1, |x| x.wrapping_abs();
        /// x²
        square(): i32 => i32, 1, |x| to_int32(x as f64 * x as f64);
        /// −1, 0 or 1
        sign(): i32 => i32, 1, |x| x.signum();
        /// max(x, 0)
        relu(): i32 => i32, 1, |x| x.max(0);
        /// min(max(x, 0), 6)
        relu6(): i32 => i32, 1, |x| x.clamp(0, 6);
        /// x inside [low, high]
        clip(low: i32, high: i32): i32 => i32, 1, |x| if x > high { high } else if x < low { low } else { x };
        /// To float32
        to_float(): i32 => f32, 1, |x| x as f32;
        /// To bool: whether x ≠ 0
        to_bool(): i32 => u8, 1, |x| (x != 0) as u8;
    }
}

/// bool
pub mod boolean {
    use super::*;

    unary! {
        /// Whether x is false
        not(): u8 => u8, 1, |x| (x == 0) as u8;
        /// To float32
        to_float(): u8 => f32, 1, |x| x as f32;
        /// To int32
        to_int(): u8 => i32, 1, |x| x as i32;
    }
}

const SELU_ABOVE: f32 = 1.050_701;
const SELU_BELOW: f32 = 1.758_099_3;

/// ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|), which does not overflow.
#[inline(always)]
fn softplus_of<const FUSED: bool>(x: f32) -> f32 {
    let positive = if x < 0.0 { 0.0 } else { x };
    positive + math::ln_1p::<FUSED>(math::exp::<FUSED>(-x.abs()))
}

fn on_all_threads<X: Sync, Y: Send>(work: usize, x: &[X], y: &mut [Y], kernel: impl Fn(&[X], &mut [Y]) + Sync) {
    assert_eq!(x.len(), y.len(), "x has {} elements and y {}", x.len(), y.len());
    let size = items_per_task(y.len(), work);
    for_each_chunk(y, size, |i, y| kernel(&x[i * size..i * size + y.len()], y));
}

/// y ← value
pub fn fill<T: Copy + Send + Sync>(value: T, y: &mut [T]) {
    for_each_chunk(y, TASK_WORK, |_, y| y.fill(value));
}

/// y ← t where the condition holds, e elsewhere.
pub fn select<T: Copy + Send + Sync>(condition: &[u8], t: &[T], e: &[T], y: &mut [T]) {
    let sizes = [condition.len(), t.len(), e.len()];
    assert_eq!(sizes, [y.len(); 3], "condition, t and e have {sizes:?} elements, y {}", y.len());
    let length = y.len();
    let y = Disjoint::new(y);
    for_each_range(length, TASK_WORK, |range| {
        // SAFETY: the ranges of different tasks do not overlap.
        let y = unsafe { y.range(range.clone()) };
        let (condition, t, e) = (&condition[range.clone()], &t[range.clone()], &e[range]);
        for (((y, &condition), &t), &e) in y.iter_mut().zip(condition).zip(t).zip(e) {
            *y = if condition != 0 { t } else { e };
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{random, SIZES};

    const SPECIAL: [f32; 7] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, 0.5, 2.5];

    /// Compares with double precision, on ordinary numbers times `scale` and on special ones.
    fn check(kernel: fn(&[f32], &mut [f32]), scale: f32, reference: fn(f64) -> f64) {
        for size in SIZES {
            let mut x = random(size, 7, scale);
            for (x, special) in x.iter_mut().skip(2).zip(SPECIAL) {
                *x = special;
            }
            let mut y = vec![9.0; size];
            kernel(&x, &mut y);
            for (&x, &y) in x.iter().zip(&y) {
                let expected = reference(x as f64) as f32;
                let close = (y - expected).abs() <= 1e-6 * expected.abs() + 1e-37;
                assert!(close || y == expected || (y.is_nan() && expected.is_nan()), "f({x}) = {y}, not {expected}");
            }
        }
    }

    #[test]
    fn float_functions() {
        check(float::neg, 10.0, |x| -x);
        check(float::abs, 10.0, f64::abs);
        check(float::square, 10.0, |x| x * x);
        check(float::reciprocal, 10.0, |x| 1.0 / x);
        check(float::sqrt, 10.0, f64::sqrt);
        check(float::rsqrt, 10.0, |x| 1.0 / x.sqrt());
        check(float::sign, 10.0, |x| if x == 0.0 || x.is_nan() { 0.0 } else { x.signum() });
        check(float::floor, 10.0, f64::floor);
        check(float::ceil, 10.0, f64::ceil);
        check(float::round, 10.0, f64::round_ties_even);
        check(float::exp, 80.0, f64::exp);
        check(float::expm1, 10.0, f64::exp_m1);
        check(float::log, 10.0, f64::ln);
        check(float::log1p, 2.0, f64::ln_1p);
        check(float::sigmoid, 20.0, |x| 1.0 / (1.0 + (-x).exp()));
        check(float::softplus, 30.0, |x| if x > 40.0 { x } else { x.exp().ln_1p() });
        check(float::tanh, 5.0, f64::tanh);
        check(float::erf, 5.0, |x| if x.abs() > 9.0 { x.signum() } else { math::tests::exact_erf(x) });
        check(float::relu, 10.0, |x| if x.is_nan() { x } else { x.max(0.0) });
        check(float::relu6, 10.0, |x| if x.is_nan() { x } else { x.clamp(0.0, 6.0) });
        check(|x, y| float::leaky_relu(0.5, x, y), 10.0, |x| if x < 0.0 { x / 2.0 } else { x });
        check(float::elu, 10.0, |x| if x < 0.0 { x.exp_m1() } else { x });
        let selu = |x: f64| 1.0507009873554805 * if x < 0.0 { 1.6732632423543772 * x.exp_m1() } else { x };
        check(float::selu, 10.0, selu);
        check(
            |x, y| float::step(0.5, x, y),
            1.0,
            |x| {
                if x.is_nan() {
                    x
                } else if x > 0.0 {
                    1.0
                } else {
                    0.5
                }
            },
        );
        check(|x, y| float::clip(-2.0, 3.0, x, y), 10.0, |x| if x.is_nan() { x } else { x.clamp(-2.0, 3.0) });
        check(float::sin, 10.0, f64::sin);
        check(float::acosh, 10.0, f64::acosh);
        check(float::atanh, 1.0, f64::atanh);
    }

    #[test]
    fn conversions() {
        let x = [1.9, -1.9, 3e9, -3e9, 1e20, f32::NAN, f32::INFINITY, 0.0, -0.0];
        let (mut int, mut bool) = ([9; 9], [9; 9]);
        float::to_int(&x, &mut int);
        assert_eq!(int, [1, -1, -1294967296, 1294967296, 0, 0, 0, 0, 0]);
        float::to_bool(&x, &mut bool);
        assert_eq!(bool, [1, 1, 1, 1, 1, 1, 1, 0, 0]);
        let mut float = [9.0; 9];
        int::to_float(&int, &mut float);
        assert_eq!(float[2], -1294967296.0);
        boolean::to_float(&bool, &mut float);
        assert_eq!(float[6..], [1.0, 0.0, 0.0]);
        boolean::not(&bool.clone(), &mut bool);
        assert_eq!(bool[6..], [0, 1, 1]);
    }

    #[test]
    fn classes_of_numbers() {
        let x = [1.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
        let mut y = [9; 4];
        float::is_nan(&x, &mut y);
        assert_eq!(y, [0, 1, 0, 0]);
        float::is_inf(&x, &mut y);
        assert_eq!(y, [0, 0, 1, 1]);
        float::is_finite(&x, &mut y);
        assert_eq!(y, [1, 0, 0, 0]);
    }

    #[test]
    fn integers() {
        let x = [3, -3, 0, i32::MIN, 65536];
        let mut y = [9; 5];
        int::abs(&x, &mut y);
        assert_eq!(y, [3, 3, 0, i32::MIN, 65536]);
        int::square(&x, &mut y);
        assert_eq!(y, [9, 9, 0, 0, 0]);
        int::clip(-1, 2, &x, &mut y);
        assert_eq!(y, [2, -1, 0, -1, 2]);
    }

    #[test]
    fn fills_and_selects() {
        for size in SIZES {
            let mut y = vec![0u32; size];
            fill(7, &mut y);
            assert!(y.iter().all(|&y| y == 7));
            let condition: Vec<u8> = (0..size).map(|i| (i % 3 == 0) as u8).collect();
            let t: Vec<u32> = (0..size as u32).collect();
            let mut chosen = vec![9; size];
            select(&condition, &t, &y, &mut chosen);
            assert!(chosen.iter().enumerate().all(|(i, &y)| y == if i % 3 == 0 { i as u32 } else { 7 }));
        }
    }
}
