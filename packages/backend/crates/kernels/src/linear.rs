//! The linear layer and its gradients.

use crate::activations::{gelu, gelu_tanh, relu, silu, Activation};
use crate::column_sums::{add, sum_blocks};
use crate::matmul::{multiply, multiply_columns, multiply_then, Matrix};
use crate::matvec;
use crate::parallel::{for_each_chunk, items_per_task, Disjoint};
use crate::tiles::Rows;
use crate::vectorized;
use crate::weights::Weights;

/// y ← f(x · W + b): (N, O) from x (N, I), W (I, O) and b (O); without b, and without f, if there is none.
pub fn forward(y: &mut [f32], x: Matrix, weight: Matrix, bias: Option<&[f32]>, activation: Option<Activation>) {
    let outputs = weight.shape().1;
    assert!(
        bias.is_none_or(|bias| bias.len() == outputs),
        "a linear layer has a bias for each of its {outputs} outputs"
    );
    let bias = bias.unwrap_or_default();
    if bias.is_empty() && activation.is_none() {
        return multiply(y, x, weight, false);
    }
    multiply_then(y, x, weight, false, |first, rows| finish(bias.get(first..).unwrap_or_default(), activation, rows));
}

vectorized! {
    fn finish(bias: &[f32], activation: Option<Activation>, rows: Rows) {
        for y in rows {
            for (y, b) in y.iter_mut().zip(bias) {
                *y += b;
            }
            match activation {
                None => {}
                Some(Activation::Gelu) => y.iter_mut().for_each(|y| *y = gelu::<FUSED>(*y)),
                Some(Activation::GeluTanh) => y.iter_mut().for_each(|y| *y = gelu_tanh::<FUSED>(*y)),
                Some(Activation::Silu) => y.iter_mut().for_each(|y| *y = silu::<FUSED>(*y)),
                Some(Activation::Relu) => y.iter_mut().for_each(|y| *y = relu(*y)),
            }
        }
    }
}

/// y ← x · W + b with weights in any format, stored (O, I): what [`forward`] computes, for models that are only run.
pub fn forward_stored(y: &mut [f32], x: &[f32], weights: Weights, bias: Option<&[f32]>, rows: usize) {
    let Weights { inputs, outputs, .. } = weights;
    if rows <= matvec::MAX_ROWS {
        matvec::multiply(y, x, weights, rows);
    } else {
        weights.check();
        assert_eq!(y.len(), rows * outputs, "y is not {rows} × {outputs}");
        let (x, y) = (Matrix::new(x, rows, inputs), Disjoint::new(y));
        let count = outputs.min(UNPACKED / inputs.max(1) + 1);
        let mut unpacked = vec![0.0; count * inputs];
        for first in (0..outputs).step_by(count) {
            let part = &mut unpacked[..count.min(outputs - first) * inputs];
            weights.read(first * inputs, part);
            let part = Matrix::new(part, part.len() / inputs.max(1), inputs).transposed();
            multiply_columns(&y, first, outputs, x, part);
        }
    }
    if let Some(bias) = bias {
        assert_eq!(bias.len(), outputs, "a linear layer has a bias for each of its {outputs} outputs");
        for_each_chunk(y, items_per_task(rows, outputs) * outputs, |_, y| {
            y.chunks_exact_mut(outputs).for_each(|y| add(bias, y));
        });
    }
}

/// How many weights are made f32 at a time where there are many rows.
const UNPACKED: usize = 1 << 20;

/// Where a linear layer's gradients are written; an empty one is not wanted.
pub struct Gradients<'a> {
    /// dy · Wᵀ (N, I)
    pub x: &'a mut [f32],
    /// xᵀ · dy (I, O)
    pub weight: &'a mut [f32],
    /// The column sums of dy (O)
    pub bias: &'a mut [f32],
}

/// The gradients of [`forward`] without f, from dy (N, O), x (N, I) and W (I, O).
pub fn backward(dy: Matrix, x: Matrix, weight: Matrix, gradients: Gradients) {
    if !gradients.x.is_empty() {
        multiply(gradients.x, dy, weight.transposed(), false);
    }
    if !gradients.weight.is_empty() {
        multiply(gradients.weight, x.transposed(), dy, false);
    }
    if !gradients.bias.is_empty() {
        let (rows, outputs) = dy.shape();
        assert_eq!(gradients.bias.len(), outputs, "a linear layer has a bias for each of its {outputs} outputs");
        sum_blocks(rows, outputs, [gradients.bias], |start, end, [sums]| {
            dy.data[start * outputs..end * outputs].chunks_exact(outputs).for_each(|row| add(row, sums));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activations;
    use crate::parallel::serially;
    use crate::test_support::{assert_close, random};
    use crate::weights::Numbers;

    const SHAPES: [(usize, usize, usize); 6] =
        [(1, 1, 1), (3, 70, 40), (9, 65, 64), (100, 33, 130), (300, 128, 384), (0, 4, 5)];

    #[test]
    fn value_is_exact_with_and_without_bias_and_activation() {
        let activations = [Activation::Gelu, Activation::GeluTanh, Activation::Silu, Activation::Relu];
        for (n, i, o) in SHAPES {
            let (x, w, b) = (random(n * i, 1, 1.0), random(i * o, 2, 0.5), random(o, 3, 1.0));
            let (x, w) = (Matrix::new(&x, n, i), Matrix::new(&w, i, o));
            let mut y = vec![f32::NAN; n * o];
            forward(&mut y, x, w, None, None);
            let exact =
                |j: usize| (0..i).map(|k| x.data[j / o * i + k] as f64 * w.data[k * o + j % o] as f64).sum::<f64>();
            assert_close(&y, exact, 1e-5);
            forward(&mut y, x, w, Some(&b), None);
            assert_close(&y, |j| exact(j) + b[j % o] as f64, 1e-5);
            for activation in activations {
                let (mut fused, mut expected) = (vec![f32::NAN; n * o], vec![f32::NAN; n * o]);
                forward(&mut fused, x, w, Some(&b), Some(activation));
                activations::forward(activation, &y, &mut expected);
                assert_close(&fused, |j| expected[j] as f64, 1e-6);
            }
        }
    }

    #[test]
    fn stored_weights_count_as_what_they_stand_for() {
        for (rows, inputs, outputs) in [(1, 64, 5), (9, 64, 70), (20, 1024, 1100), (0, 32, 3)] {
            let (x, b) = (random(rows * inputs, 1, 1.0), random(outputs, 2, 1.0));
            let w: Vec<u16> = random(inputs * outputs, 3, 1.0).iter().map(|w| (w.to_bits() >> 16) as u16).collect();
            let weights = Weights { numbers: Numbers::Bf16(&w), inputs, outputs, transposed: true };
            let mut y = vec![f32::NAN; rows * outputs];
            forward_stored(&mut y, &x, weights, Some(&b), rows);
            let weight = |o: usize, i: usize| f32::from_bits((w[o * inputs + i] as u32) << 16) as f64;
            let exact = |j: usize| {
                let (row, o) = (j / outputs, j % outputs);
                b[o] as f64 + (0..inputs).map(|i| x[row * inputs + i] as f64 * weight(o, i)).sum::<f64>()
            };
            assert_close(&y, exact, 2e-5);
        }
    }

    #[test]
    fn gradients_are_exact_and_only_the_wanted_ones_are_written() {
        for (n, i, o) in SHAPES {
            let (x, w, dy) = (random(n * i, 1, 1.0), random(i * o, 2, 1.0), random(n * o, 3, 1.0));
            let gradients = || {
                let mut all = [vec![f32::NAN; n * i], vec![f32::NAN; i * o], vec![f32::NAN; o]];
                let [x_gradient, weight, bias] = &mut all;
                let gradients = Gradients { x: x_gradient, weight, bias };
                backward(Matrix::new(&dy, n, o), Matrix::new(&x, n, i), Matrix::new(&w, i, o), gradients);
                all
            };
            let [dx, dw, db] = gradients();
            assert_close(&dx, |j| (0..o).map(|k| dy[j / i * o + k] as f64 * w[j % i * o + k] as f64).sum(), 1e-5);
            assert_close(&dw, |j| (0..n).map(|k| x[k * i + j / o] as f64 * dy[k * o + j % o] as f64).sum(), 1e-5);
            assert_close(&db, |j| (0..n).map(|k| dy[k * o + j] as f64).sum(), 1e-5);
            assert_eq!(serially(gradients), [dx, dw, db.clone()]);

            let mut bias = vec![f32::NAN; o];
            let only_bias = Gradients { x: &mut [], weight: &mut [], bias: &mut bias };
            backward(Matrix::new(&dy, n, o), Matrix::new(&x, n, i), Matrix::new(&w, i, o), only_bias);
            assert_eq!(bias, db);
        }
    }
}
