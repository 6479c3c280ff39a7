//! GELU, SiLU, ReLU and SwiGLU with their gradients.

use crate::math::{normal, polynomial, sigmoid};
use crate::parallel::{for_each_range, items_per_task, Disjoint};
use crate::simd::fma;
use crate::vectorized;

/// A function that is applied to each number by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// x · Φ(x) with the normal distribution's Φ (Hendrycks, Gimpel 2016).
    Gelu,
    /// ½x · (1 + tanh(√(2/π) · (x + 0.044715x³))), GELU as GPT-2 computes it.
    GeluTanh,
    /// x · σ(x) (Elfwing, Uchibe, Doya 2017).
    Silu,
    /// max(x, 0).
    Relu,
}

/// What a number costs, in simple operations.
const WORK: usize = 4;

/// y ← f(x).
pub fn forward(activation: Activation, x: &[f32], y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "an activation returns as many numbers as it gets");
    let y = Disjoint::new(y);
    for_each_range(x.len(), items_per_task(x.len(), WORK), |range| {
        // SAFETY: tasks have different ranges.
        values(activation, &x[range.clone()], unsafe { y.range(range) });
    });
}

/// dx ← dy · f′(x).
pub fn backward(activation: Activation, x: &[f32], dy: &[f32], dx: &mut [f32]) {
    assert!(x.len() == dy.len() && x.len() == dx.len(), "an activation's gradient has as many numbers as its input");
    let dx = Disjoint::new(dx);
    for_each_range(x.len(), items_per_task(x.len(), WORK), |range| {
        // SAFETY: tasks have different ranges.
        slopes(activation, &x[range.clone()], &dy[range.clone()], unsafe { dx.range(range) });
    });
}

/// y ← silu(gate) · up (Shazeer 2020).
pub fn swiglu(gate: &[f32], up: &[f32], y: &mut [f32]) {
    assert!(gate.len() == up.len() && gate.len() == y.len(), "SwiGLU's gate, up and result are of one size");
    let y = Disjoint::new(y);
    for_each_range(gate.len(), items_per_task(gate.len(), WORK), |range| {
        // SAFETY: tasks have different ranges.
        swiglu_values(&gate[range.clone()], &up[range.clone()], unsafe { y.range(range) });
    });
}

/// d_gate ← dy · up · silu′(gate) and d_up ← dy · silu(gate).
pub fn swiglu_backward(gate: &[f32], up: &[f32], dy: &[f32], d_gate: &mut [f32], d_up: &mut [f32]) {
    let size = gate.len();
    assert!(up.len() == size && dy.len() == size, "SwiGLU's gate, up and gradient are of one size");
    assert!(d_gate.len() == size && d_up.len() == size, "SwiGLU's gradients have its inputs' size");
    let (d_gate, d_up) = (Disjoint::new(d_gate), Disjoint::new(d_up));
    for_each_range(size, items_per_task(size, 2 * WORK), |range| {
        // SAFETY: tasks have different ranges.
        let (d_gate, d_up) = unsafe { (d_gate.range(range.clone()), d_up.range(range.clone())) };
        swiglu_slopes(&gate[range.clone()], &up[range.clone()], &dy[range], d_gate, d_up);
    });
}

vectorized! {
    /// [`forward`] on one thread.
    fn values(activation: Activation, x: &[f32], y: &mut [f32]) {
        match activation {
            Activation::Gelu => map(x, y, gelu::<FUSED>),
            Activation::GeluTanh => map(x, y, gelu_tanh::<FUSED>),
            Activation::Silu => map(x, y, silu::<FUSED>),
            Activation::Relu => map(x, y, relu),
        }
    }
}

vectorized! {
    /// [`backward`] on one thread.
    fn slopes(activation: Activation, x: &[f32], dy: &[f32], dx: &mut [f32]) {
        match activation {
            Activation::Gelu => scale(x, dy, dx, gelu_slope::<FUSED>),
            Activation::GeluTanh => scale(x, dy, dx, gelu_tanh_slope::<FUSED>),
            Activation::Silu => scale(x, dy, dx, silu_slope::<FUSED>),
            Activation::Relu => scale(x, dy, dx, relu_slope),
        }
    }
}

vectorized! {
    fn swiglu_values(gate: &[f32], up: &[f32], y: &mut [f32]) {
        scale(gate, up, y, silu::<FUSED>);
    }
}

vectorized! {
    fn swiglu_slopes(gate: &[f32], up: &[f32], dy: &[f32], d_gate: &mut [f32], d_up: &mut [f32]) {
        let inputs = gate.iter().zip(up).zip(dy);
        for (((gate, up), dy), (d_gate, d_up)) in inputs.zip(d_gate.iter_mut().zip(d_up)) {
            let s = sigmoid::<FUSED>(*gate);
            *d_gate = s * fma::<FUSED>(*gate, 1.0 - s, 1.0) * up * dy;
            *d_up = gate * s * dy;
        }
    }
}

#[inline(always)]
fn map(x: &[f32], y: &mut [f32], f: impl Fn(f32) -> f32) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = f(*x);
    }
}

/// y ← f(x) · factor.
#[inline(always)]
fn scale(x: &[f32], factor: &[f32], y: &mut [f32], f: impl Fn(f32) -> f32) {
    for ((y, x), factor) in y.iter_mut().zip(x).zip(factor) {
        *y = f(*x) * factor;
    }
}

/// x · Φ(x).
#[inline(always)]
pub fn gelu<const FUSED: bool>(x: f32) -> f32 {
    x * normal::<FUSED>(x)
}

/// Φ(x) + x · φ(x) with the normal distribution's density φ, within 2·10⁻⁷.
#[inline(always)]
pub fn gelu_slope<const FUSED: bool>(x: f32) -> f32 {
    let z = x * x;
    // ½ and an odd function: x times a ratio of polynomials in x², fitted for |x| ≤ 5.9 with an error of 4·10⁻⁹. Half the
    // work of an exponential and Φ.
    let p = [
        7.978_845e-1,
        -2.108_956e-2,
        1.369_193_7e-2,
        2.297_964_7e-4,
        3.207_387e-5,
        9.740_344e-7,
        1.197_903_2e-8,
        -2.805_608_6e-11,
    ];
    let q = [1.0, 3.069_012_7e-1, 4.446_151_6e-2, 3.994_496e-3, 2.448_660_4e-4, 1.011_092e-5, 3.230_047_8e-7];
    let inside = 0.5 + x * (polynomial::<FUSED, 8>(z, p) / polynomial::<FUSED, 7>(z, q));
    if x < -5.9 {
        0.0
    } else if x > 5.9 {
        1.0
    } else {
        inside
    }
}

const TWO_SQRT_2_OVER_PI: f32 = 1.595_769;
const CUBIC: f32 = 0.044_715;

/// x · σ(2u) with u = √(2/π) · (x + 0.044715x³), since ½ · (1 + tanh u) = σ(2u).
#[inline(always)]
pub fn gelu_tanh<const FUSED: bool>(x: f32) -> f32 {
    let inner = fma::<FUSED>(x * x, TWO_SQRT_2_OVER_PI * CUBIC, TWO_SQRT_2_OVER_PI);
    x * sigmoid::<FUSED>(x * inner)
}

/// s + x · s · (1 − s) · (2u)′ with s = σ(2u).
#[inline(always)]
pub fn gelu_tanh_slope<const FUSED: bool>(x: f32) -> f32 {
    let z = x * x;
    let inner = fma::<FUSED>(z, TWO_SQRT_2_OVER_PI * CUBIC, TWO_SQRT_2_OVER_PI);
    let slope = fma::<FUSED>(z, 3.0 * TWO_SQRT_2_OVER_PI * CUBIC, TWO_SQRT_2_OVER_PI);
    let s = sigmoid::<FUSED>(x * inner);
    fma::<FUSED>(x * slope, s * (1.0 - s), s)
}

/// x · σ(x).
#[inline(always)]
pub fn silu<const FUSED: bool>(x: f32) -> f32 {
    x * sigmoid::<FUSED>(x)
}

/// σ(x) · (1 + x · (1 − σ(x))).
#[inline(always)]
pub fn silu_slope<const FUSED: bool>(x: f32) -> f32 {
    let s = sigmoid::<FUSED>(x);
    s * fma::<FUSED>(x, 1.0 - s, 1.0)
}

/// max(x, 0), NaN for NaN.
#[inline(always)]
pub fn relu(x: f32) -> f32 {
    if x < 0.0 {
        0.0
    } else {
        x
    }
}

/// 1 above 0, else 0.
#[inline(always)]
pub fn relu_slope(x: f32) -> f32 {
    if x > 0.0 {
        1.0
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::tests::exact_erf;
    use crate::test_support::{assert_close, random, SIZES};

    const ALL: [Activation; 4] = [Activation::Gelu, Activation::GeluTanh, Activation::Silu, Activation::Relu];

    fn sigma(x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }

    fn exact(activation: Activation, x: f64) -> f64 {
        match activation {
            Activation::Gelu => 0.5 * x * (1.0 + exact_erf(x * std::f64::consts::FRAC_1_SQRT_2)),
            Activation::GeluTanh => {
                0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
            }
            Activation::Silu => x * sigma(x),
            Activation::Relu => x.max(0.0),
        }
    }

    fn exact_slope(activation: Activation, x: f64) -> f64 {
        let h = 1e-6;
        (exact(activation, x + h) - exact(activation, x - h)) / (2.0 * h)
    }

    #[test]
    fn values_and_gradients_are_exact() {
        for size in SIZES {
            let (x, dy) = (random(size, 1, 8.0), random(size, 2, 1.0));
            for activation in ALL {
                let (mut y, mut dx) = (vec![f32::NAN; size], vec![f32::NAN; size]);
                forward(activation, &x, &mut y);
                backward(activation, &x, &dy, &mut dx);
                assert_close(&y, |i| exact(activation, x[i] as f64), 1e-6);
                assert_close(&dx, |i| exact_slope(activation, x[i] as f64) * dy[i] as f64, 1e-6);
            }
        }
    }

    #[test]
    fn swiglu_and_its_gradients_are_exact() {
        for size in SIZES {
            let (gate, up, dy) = (random(size, 1, 8.0), random(size, 2, 1.0), random(size, 3, 1.0));
            let mut out = [(); 3].map(|_| vec![f32::NAN; size]);
            let [y, d_gate, d_up] = &mut out;
            swiglu(&gate, &up, y);
            swiglu_backward(&gate, &up, &dy, d_gate, d_up);
            let silu = |i: usize| exact(Activation::Silu, gate[i] as f64);
            assert_close(y, |i| silu(i) * up[i] as f64, 5e-7);
            let slope = |i: usize| exact_slope(Activation::Silu, gate[i] as f64);
            assert_close(d_gate, |i| slope(i) * up[i] as f64 * dy[i] as f64, 1e-6);
            assert_close(d_up, |i| silu(i) * dy[i] as f64, 5e-7);
        }
    }

    #[test]
    fn far_out_they_are_the_identity_or_zero() {
        for activation in ALL {
            let mut y = [0.0; 3];
            forward(activation, &[1e4, f32::INFINITY, -1e4], &mut y);
            assert_eq!(y, [1e4, f32::INFINITY, -0.0]);
            backward(activation, &[1e4, -1e4, 30.0], &[2.0; 3], &mut y);
            assert_eq!(y, [2.0, 0.0, 2.0]);
        }
    }

    #[test]
    fn nan_stays_nan() {
        for activation in ALL {
            let mut y = [0.0; 40];
            forward(activation, &[f32::NAN; 40], &mut y);
            assert!(y.iter().all(|y| y.is_nan()));
        }
    }
}
