//! Operations on two arrays element by element, with broadcasting as in NumPy.
//!
//! Integers are computed as TensorFlow.js does on the CPU: in double precision, then taken modulo 2³² as JavaScript
//! stores a number in an `Int32Array`. Booleans are bytes, 0 or 1.

use std::ops::Range;

use crate::math::{self, to_int32};
use crate::parallel::Disjoint;
use crate::strided::{dense_steps, Axis, Walk};
use crate::vectorized;

macro_rules! binary {
    ($($(#[$doc:meta])+ $name:ident: $input:ty => $output:ty, $work:literal, |$a:ident, $b:ident| $value:expr;)*) => {$(
        $(#[$doc])+
        pub fn $name(a_shape: &[usize], b_shape: &[usize], a: &[$input], b: &[$input], y: &mut [$output]) {
            // A function, because a closure may be compiled on its own, for the baseline.
            #[inline(always)]
            #[allow(clippy::extra_unused_type_parameters)]
            fn op<const FUSED: bool>($a: $input, $b: $input) -> $output {
                $value
            }
            vectorized! {
                fn kernel(
                    walk: &Walk<3>,
                    units: Range<usize>,
                    a: &[$input],
                    b: &[$input],
                    y: &Disjoint<$output>,
                ) {
                    apply(walk, units, a, b, y, op::<FUSED>)
                }
            }
            let walk = broadcast(a_shape, b_shape, a.len(), b.len(), y.len());
            let y = Disjoint::new(y);
            walk.on_all_threads($work, |units| kernel(&walk, units, a, b, &y));
        }
    )*};
}

/// float32
pub mod float {
    use super::*;

    binary! {
        /// a + b
        add: f32 => f32, 1, |a, b| a + b;
        /// a − b
        sub: f32 => f32, 1, |a, b| a - b;
        /// a · b
        multiply: f32 => f32, 1, |a, b| a * b;
        /// a / b
        divide: f32 => f32, 1, |a, b| a / b;
        /// (a − b)²
        squared_difference: f32 => f32, 1, |a, b| { let d = a - b; d * d };
        /// The greater; NaN if one of them is.
        maximum: f32 => f32, 1, |a, b| if a > b || a.is_nan() { a } else { b };
        /// The less; NaN if one of them is.
        minimum: f32 => f32, 1, |a, b| if a < b || a.is_nan() { a } else { b };
        /// ⌊a / b⌋ as an integer
        floor_divide: f32 => i32, 4, |a, b| to_int32((a as f64 / b as f64).floor());
        /// The remainder with the sign of b
        modulo: f32 => f32, 16, |a, b| floor_modulo(a as f64, b as f64) as f32;
        /// aᵇ; as in JavaScript NaN where b is, and for 1 or −1 to an infinite power
        power: f32 => f32, 8, |a, b| math::pow::<FUSED>(a, b);
        /// The angle of the point (b, a)
        atan2: f32 => f32, 16, |a, b| a.atan2(b);
        /// a, but b · a below 0
        prelu: f32 => f32, 1, |a, b| if a < 0.0 { b * a } else { a };
        /// The gradient of elu by its input, from dy and from its output
        elu_gradient: f32 => f32, 1, |dy, y| if y >= 0.0 { dy } else { dy * (y + 1.0) };
        /// Whether a = b
        equal: f32 => u8, 1, |a, b| (a == b) as u8;
        /// Whether a ≠ b
        not_equal: f32 => u8, 1, |a, b| (a != b) as u8;
        /// Whether a > b
        greater: f32 => u8, 1, |a, b| (a > b) as u8;
        /// Whether a ≥ b
        greater_equal: f32 => u8, 1, |a, b| (a >= b) as u8;
        /// Whether a < b
        less: f32 => u8, 1, |a, b| (a < b) as u8;
        /// Whether a ≤ b
        less_equal: f32 => u8, 1, |a, b| (a <= b) as u8;
    }
}

/// int32
pub mod int {
    use super::*;

    binary! {
        /// a + b
        add: i32 => i32, 1, |a, b| a.wrapping_add(b);
        /// a − b
        sub: i32 => i32, 1, |a, b| a.wrapping_sub(b);
        /// a · b
        multiply: i32 => i32, 1, |a, b| to_int32(a as f64 * b as f64);
        /// (a − b)²
        squared_difference: i32 => i32, 1, |a, b| { let d = a as f64 - b as f64; to_int32(d * d) };
        /// The greater.
        maximum: i32 => i32, 1, |a, b| a.max(b);
        /// The less.
        minimum: i32 => i32, 1, |a, b| a.min(b);
        /// ⌊a / b⌋; 0 if b is 0
        floor_divide: i32 => i32, 4, |a, b| to_int32((a as f64 / b as f64).floor());
        /// The remainder with the sign of b; 0 if b is 0
        modulo: i32 => i32, 16, |a, b| to_int32(floor_modulo(a as f64, b as f64));
        /// aᵇ
        power: i32 => i32, 16, |a, b| to_int32((a as f64).powf(b as f64));
        /// Whether a = b
        equal: i32 => u8, 1, |a, b| (a == b) as u8;
        /// Whether a ≠ b
        not_equal: i32 => u8, 1, |a, b| (a != b) as u8;
        /// Whether a > b
        greater: i32 => u8, 1, |a, b| (a > b) as u8;
        /// Whether a ≥ b
        greater_equal: i32 => u8, 1, |a, b| (a >= b) as u8;
        /// Whether a < b
        less: i32 => u8, 1, |a, b| (a < b) as u8;
        /// Whether a ≤ b
        less_equal: i32 => u8, 1, |a, b| (a <= b) as u8;
    }
}

/// bool
pub mod boolean {
    use super::*;

    binary! {
        /// Whether both are true
        and: u8 => u8, 1, |a, b| (a != 0 && b != 0) as u8;
        /// Whether one of them is true
        or: u8 => u8, 1, |a, b| (a != 0 || b != 0) as u8;
        /// Whether a = b
        equal: u8 => u8, 1, |a, b| (a == b) as u8;
        /// Whether a ≠ b
        not_equal: u8 => u8, 1, |a, b| (a != b) as u8;
    }
}

/// `a mod b` with the sign of b, as TensorFlow.js computes it.
#[inline(always)]
fn floor_modulo(a: f64, b: f64) -> f64 {
    let remainder = a % b;
    if (a < 0.0 && b < 0.0) || (a >= 0.0 && b >= 0.0) {
        remainder
    } else {
        (remainder + b) % b
    }
}

/// How y, a and b move together.
fn broadcast(a_shape: &[usize], b_shape: &[usize], a: usize, b: usize, y: usize) -> Walk<3> {
    assert_eq!(a_shape.iter().product::<usize>(), a, "a does not have the shape {a_shape:?}");
    assert_eq!(b_shape.iter().product::<usize>(), b, "b does not have the shape {b_shape:?}");
    let rank = a_shape.len().max(b_shape.len());
    let (a_axes, b_axes) = (aligned(a_shape, rank), aligned(b_shape, rank));
    let joined = |(&(a, _), &(b, _)): (&(usize, isize), &(usize, isize))| {
        assert!(a == b || a == 1 || b == 1, "the shapes {a_shape:?} and {b_shape:?} do not go together");
        if a == 1 {
            b
        } else {
            a
        }
    };
    let sizes: Vec<usize> = a_axes.iter().zip(&b_axes).map(joined).collect();
    assert_eq!(sizes.iter().product::<usize>(), y, "y does not have the shape {sizes:?}");
    let steps = dense_steps(&sizes);
    let axes = (0..rank).map(|i| Axis { size: sizes[i], steps: [steps[i], a_axes[i].1, b_axes[i].1] });
    Walk::new(axes, [0; 3])
}

/// Size and step of each axis, as many as `rank`: axes of size 1 are repeated, by a step of 0.
fn aligned(shape: &[usize], rank: usize) -> Vec<(usize, isize)> {
    let steps = dense_steps(shape);
    let own = shape.iter().zip(steps).map(|(&size, step)| (size, if size == 1 { 0 } else { step }));
    std::iter::repeat_n((1, 0), rank - shape.len()).chain(own).collect()
}

/// y ← op(a, b) over some units of the walk.
#[inline(always)]
fn apply<A: Copy, Y>(
    walk: &Walk<3>,
    units: Range<usize>,
    a: &[A],
    b: &[A],
    y: &Disjoint<Y>,
    op: impl Fn(A, A) -> Y + Copy,
) {
    let [_, a_step, b_step] = walk.inner().steps;
    for ([to, i, j], length) in walk.pieces(units) {
        let (to, i, j) = (to as usize, i as usize, j as usize);
        // SAFETY: y is dense, so units do not overlap in it.
        let y = unsafe { y.range(to..to + length) };
        if a_step == 0 {
            let a = a[i];
            for (y, &b) in y.iter_mut().zip(&b[j..j + length]) {
                *y = op(a, b);
            }
        } else if b_step == 0 {
            let b = b[j];
            for (y, &a) in y.iter_mut().zip(&a[i..i + length]) {
                *y = op(a, b);
            }
        } else {
            let (a, b) = (&a[i..i + length], &b[j..j + length]);
            for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
                *y = op(a, b);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The obvious way: each index of y, by the remainder of its coordinates.
    fn reference<A: Copy, Y>(a_shape: &[usize], b_shape: &[usize], a: &[A], b: &[A], op: impl Fn(A, A) -> Y) -> Vec<Y> {
        let rank = a_shape.len().max(b_shape.len());
        let full = |shape: &[usize]| [vec![1; rank - shape.len()], shape.to_vec()].concat();
        let (a_shape, b_shape) = (full(a_shape), full(b_shape));
        let sizes: Vec<usize> = a_shape.iter().zip(&b_shape).map(|(&a, &b)| if a == 1 { b } else { a }).collect();
        let at = |index: usize, shape: &[usize]| {
            let (mut rest, mut offset, mut step) = (index, 0, 1);
            for axis in (0..rank).rev() {
                offset += (rest % sizes[axis]) % shape[axis] * step;
                rest /= sizes[axis];
                step *= shape[axis];
            }
            offset
        };
        (0..sizes.iter().product()).map(|i| op(a[at(i, &a_shape)], b[at(i, &b_shape)])).collect()
    }

    const SHAPES: [(&[usize], &[usize]); 18] = [
        (&[], &[]),
        (&[0], &[1]),
        (&[3, 0, 2], &[2]),
        (&[1], &[5]),
        (&[7], &[]),
        (&[], &[100_003]),
        (&[100_003], &[100_003]),
        (&[300, 401], &[401]),
        (&[401], &[300, 401]),
        (&[300, 1], &[300, 401]),
        (&[300, 401], &[300, 1]),
        (&[300, 1], &[401]),
        (&[2, 3, 4, 5], &[2, 3, 4, 5]),
        (&[2, 1, 4, 1], &[3, 1, 5]),
        (&[2, 3, 1, 5, 1, 2], &[1, 3, 4, 1, 6, 2]),
        (&[5, 1, 3], &[5, 2, 3]),
        (&[1, 1, 1], &[1]),
        (&[70, 3, 1, 50], &[3, 30, 1]),
    ];

    fn numbers(shape: &[usize], seed: usize) -> Vec<f32> {
        let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, 1.0, -1.0, 2.0];
        let number =
            |i: usize| if i % 11 == 3 { special[i / 11 % 8] } else { ((i * 37 + seed) % 101) as f32 / 20.0 - 2.5 };
        (0..shape.iter().product()).map(|i| number(i * 13 + seed)).collect()
    }

    type Kernel<A, Y> = fn(&[usize], &[usize], &[A], &[A], &mut [Y]);

    fn check<A: Copy + std::fmt::Debug, Y: Copy + Default + Into<f64>>(
        kernel: Kernel<A, Y>,
        convert: impl Fn(f32) -> A,
        op: impl Fn(A, A) -> Y,
    ) {
        for (a_shape, b_shape) in SHAPES {
            let a: Vec<A> = numbers(a_shape, 1).into_iter().map(&convert).collect();
            let b: Vec<A> = numbers(b_shape, 5).into_iter().map(&convert).collect();
            let expected = reference(a_shape, b_shape, &a, &b, &op);
            let mut y = vec![Y::default(); expected.len()];
            kernel(a_shape, b_shape, &a, &b, &mut y);
            for (i, (&y, &expected)) in y.iter().zip(&expected).enumerate() {
                let (y, expected): (f64, f64) = (y.into(), expected.into());
                assert!(
                    y == expected || (y.is_nan() && expected.is_nan()),
                    "{a_shape:?} {b_shape:?} at {i}: {y}, not {expected}"
                );
            }
        }
    }

    #[test]
    fn float_operations() {
        let same = |x: f32| x;
        check(float::add, same, |a, b| a + b);
        check(float::sub, same, |a, b| a - b);
        check(float::multiply, same, |a, b| a * b);
        check(float::divide, same, |a, b| a / b);
        check(float::squared_difference, same, |a, b| (a - b) * (a - b));
        let nan = |a: f32, b: f32, y: f32| if a.is_nan() || b.is_nan() { f32::NAN } else { y };
        check(float::maximum, same, |a, b| nan(a, b, a.max(b)));
        check(float::minimum, same, |a, b| nan(a, b, a.min(b)));
        check(float::floor_divide, same, |a, b| to_int32((a as f64 / b as f64).floor()));
        check(float::prelu, same, |a, b| if a < 0.0 { a * b } else { a });
        check(float::less, same, |a, b| (a < b) as u8);
        check(float::not_equal, same, |a, b| (a != b) as u8);
    }

    #[test]
    fn integer_and_boolean_operations() {
        let int = |x: f32| to_int32(x as f64 * 1e9);
        check(int::add, int, i32::wrapping_add);
        check(int::maximum, int, i32::max);
        check(int::greater_equal, int, |a, b| (a >= b) as u8);
        let small = |x: f32| x as i32;
        let floor = |a: i32, b: i32| if b == 0 { 0 } else { (a as f64 / b as f64).floor() as i64 as i32 };
        check(int::floor_divide, small, floor);
        let bool = |x: f32| (x > 0.0) as u8;
        check(boolean::and, bool, |a, b| a & b);
        check(boolean::or, bool, |a, b| a | b);
    }

    #[test]
    fn remainders_have_the_sign_of_the_divisor() {
        let (a, b) = ([5, -5, 5, -5, 7, i32::MIN], [3, 3, -3, -3, 0, -1]);
        let mut y = [9; 6];
        int::modulo(&[6], &[6], &a, &b, &mut y);
        assert_eq!(y, [2, 1, -1, -2, 0, 0]);
        let mut y = [9f32; 6];
        float::modulo(&[6], &[6], &a.map(|a| a as f32 + 0.5), &b.map(|b| b as f32), &mut y);
        assert!(y[4].is_nan());
        assert_eq!(y[..4], [2.5, 1.5, -0.5, -1.5]);
    }

    #[test]
    fn integers_wrap_as_in_javascript() {
        for (x, expected) in [
            (2147483648.0, i32::MIN),
            (-2147483649.0, i32::MAX),
            (-1.9, -1),
            (f64::NAN, 0),
            (f64::INFINITY, 0),
            (1e20, 1661992960),
            (-1e20, -1661992960),
            (1e300, 0),
        ] {
            assert_eq!(to_int32(x), expected, "{x}");
        }
        let mut y = [0; 2];
        int::multiply(&[2], &[2], &[2147483647, 65536], &[2147483647, 65536], &mut y);
        // (2³¹ − 1)² is rounded to a multiple of 512 first.
        assert_eq!(y, [0, 0]);
        int::power(&[2], &[2], &[3, 2], &[3, -1], &mut y);
        assert_eq!(y, [27, 0]);
    }
}
