//! Commands of matrix products: plain ones, the linear layer, the head with its loss, decoding.

use tessera_kernels::activations::Activation;
use tessera_kernels::matmul::{self, Batch, Matrix, Shape};
use tessera_kernels::weights::{self, Numbers, Weights};
use tessera_kernels::{linear, linear_cross_entropy};

use crate::{Arguments, Command};

pub(crate) const COMMANDS: &[Command] = &[
    ("matmul", matmul),
    ("linear", linear),
    ("linear_gradient", linear_gradient),
    ("linear_cross_entropy", linear_cross_entropy),
    ("linear_cross_entropy_gradient", linear_cross_entropy_gradient),
    ("linear_stored", linear_stored),
    ("embedding_stored", embedding_stored),
];

/// A, B, M, K, N, whether A and B are stored transposed, the batch's sizes, the steps of A and B, then C.
fn matmul(arguments: &mut Arguments) {
    let (a, b) = (arguments.slice(), arguments.slice());
    let (m, k, n) = (arguments.usize(), arguments.usize(), arguments.usize());
    let shape = Shape { m, k, n, transpose_a: arguments.bool(), transpose_b: arguments.bool() };
    let (sizes, a_strides, b_strides) = (arguments.sizes(), arguments.sizes(), arguments.sizes());
    let batch = Batch { sizes: &sizes, a_strides: &a_strides, b_strides: &b_strides };
    matmul::multiply_batch(arguments.slice_mut(), a, b, shape, batch);
}

/// x, weight, bias?, N, I, O, the activation (0 none, 1 GELU, 2 GELU by tanh, 3 SiLU, 4 ReLU), then y.
fn linear(arguments: &mut Arguments) {
    let (x, weight, bias) = (arguments.slice(), arguments.slice(), arguments.optional());
    let (rows, inputs, outputs) = (arguments.usize(), arguments.usize(), arguments.usize());
    let activation = match arguments.usize() {
        0 => None,
        1 => Some(Activation::Gelu),
        2 => Some(Activation::GeluTanh),
        3 => Some(Activation::Silu),
        4 => Some(Activation::Relu),
        other => panic!("there is no activation {other}"),
    };
    let (x, weight) = (Matrix::new(x, rows, inputs), Matrix::new(weight, inputs, outputs));
    linear::forward(arguments.slice_mut(), x, weight, bias, activation);
}

/// dy, x, weight, N, I, O, then dx?, dweight?, dbias?.
fn linear_gradient(arguments: &mut Arguments) {
    let (dy, x, weight) = (arguments.slice(), arguments.slice(), arguments.slice());
    let (rows, inputs, outputs) = (arguments.usize(), arguments.usize(), arguments.usize());
    let (dy, x) = (Matrix::new(dy, rows, outputs), Matrix::new(x, rows, inputs));
    let (x_gradient, weight_gradient, bias) = (arguments.slice_mut(), arguments.slice_mut(), arguments.slice_mut());
    let gradients = linear::Gradients { x: x_gradient, weight: weight_gradient, bias };
    linear::backward(dy, x, Matrix::new(weight, inputs, outputs), gradients);
}

/// hidden, weight, V, C, targets, memory for the logits of some rows, the loss, then dhidden?, dweight?.
fn linear_cross_entropy(arguments: &mut Arguments) {
    let (hidden, weight) = (arguments.slice(), arguments.slice());
    let weight = Matrix::new(weight, arguments.usize(), arguments.usize());
    let (targets, scratch, loss) = (arguments.slice(), arguments.slice_mut(), arguments.slice_mut());
    let gradients = linear_cross_entropy::Gradients { hidden: arguments.slice_mut(), weight: arguments.slice_mut() };
    loss[0] = linear_cross_entropy::forward(hidden, weight, targets, scratch, gradients);
}

/// dy, a gradient to scale or none, then the scaled one, which without the former is scaled in place.
fn linear_cross_entropy_gradient(arguments: &mut Arguments) {
    let (dy, from) = (arguments.slice::<f32>(), arguments.optional());
    linear_cross_entropy::backward(dy[0], from, arguments.slice_mut());
}

/// x, weights, bias?, N, then y.
fn linear_stored(arguments: &mut Arguments) {
    let (x, weights) = (arguments.slice(), stored(arguments));
    let (bias, rows) = (arguments.optional(), arguments.usize());
    linear::forward_stored(arguments.slice_mut(), x, weights, bias, rows);
}

/// ids, weights, then y.
fn embedding_stored(arguments: &mut Arguments) {
    weights::rows(arguments.slice(), stored(arguments), arguments.slice_mut());
}

/// Bytes in words of 32 bits, how many bytes there are, their format (0 f32, 1 bf16, 2 f16, 3 Q8_0, 4 Q4_0), I, O.
fn stored<'a>(arguments: &mut Arguments<'a>) -> Weights<'a> {
    let words: &[u32] = arguments.slice();
    let length = arguments.usize();
    assert!(length <= 4 * words.len(), "{length} bytes do not lie in {} words", words.len());
    // SAFETY: words are bytes, too.
    let bytes = unsafe { std::slice::from_raw_parts(words.as_ptr().cast::<u8>(), length) };
    let numbers = match arguments.usize() {
        0 => Numbers::F32(aligned(bytes)),
        1 => Numbers::Bf16(aligned(bytes)),
        2 => Numbers::F16(aligned(bytes)),
        3 => Numbers::Q8(bytes),
        4 => Numbers::Q4(bytes),
        other => panic!("there is no format {other}"),
    };
    Weights { numbers, inputs: arguments.usize(), outputs: arguments.usize(), transposed: true }
}

/// Bytes that are numbers: u16 or f32, of which any bits are one.
fn aligned<T: Copy>(bytes: &[u8]) -> &[T] {
    // SAFETY: as above.
    let (before, numbers, after) = unsafe { bytes.align_to() };
    assert!(before.is_empty() && after.is_empty(), "the weights' bytes are no whole numbers");
    numbers
}
