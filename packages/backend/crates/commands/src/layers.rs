//! Commands of what stands between the products: norms, activations, embedding, dropout, softmax and cross-entropy.

use tessera_kernels::activations::{self, Activation};
use tessera_kernels::random_bits::DropoutMask;
use tessera_kernels::{cross_entropy, dropout, embedding, layer_norm, rms_norm, softmax};

use crate::{Arguments, Command};

pub(crate) const COMMANDS: &[Command] = &[
    ("layer_norm", layer_norm),
    ("layer_norm_gradient", layer_norm_gradient),
    ("rms_norm", rms_norm),
    ("rms_norm_gradient", rms_norm_gradient),
    ("gelu", |arguments| activation(arguments, Activation::Gelu)),
    ("gelu_gradient", |arguments| activation_gradient(arguments, Activation::Gelu)),
    ("gelu_tanh", |arguments| activation(arguments, Activation::GeluTanh)),
    ("gelu_tanh_gradient", |arguments| activation_gradient(arguments, Activation::GeluTanh)),
    ("silu", |arguments| activation(arguments, Activation::Silu)),
    ("silu_gradient", |arguments| activation_gradient(arguments, Activation::Silu)),
    ("swiglu", swiglu),
    ("swiglu_gradient", swiglu_gradient),
    ("embedding", embedding),
    ("embedding_gradient", embedding_gradient),
    ("dropout", dropout),
    ("softmax", softmax),
    ("cross_entropy", cross_entropy),
    ("cross_entropy_gradient", cross_entropy_gradient),
];

/// x, scale, shift?, ε, then y, mean?, rstd?.
fn layer_norm(arguments: &mut Arguments) {
    let (x, scale, shift) = (arguments.slice(), arguments.slice(), arguments.optional());
    let (epsilon, y) = (arguments.f32(), arguments.slice_mut());
    let statistics = layer_norm::Statistics { mean: arguments.slice_mut(), rstd: arguments.slice_mut() };
    layer_norm::forward(x, scale, shift, epsilon, y, statistics);
}

/// dy, x, scale, mean, rstd, then dx?, dscale?, dshift?.
fn layer_norm_gradient(arguments: &mut Arguments) {
    let (dy, x, scale) = (arguments.slice(), arguments.slice(), arguments.slice());
    let statistics = layer_norm::Statistics { mean: arguments.slice(), rstd: arguments.slice() };
    let (x_gradient, scale_gradient, shift) = (arguments.slice_mut(), arguments.slice_mut(), arguments.slice_mut());
    let gradients = layer_norm::Gradients { x: x_gradient, scale: scale_gradient, shift };
    layer_norm::backward(dy, x, scale, statistics, gradients);
}

/// x, scale, ε, then y, rstd?.
fn rms_norm(arguments: &mut Arguments) {
    let (x, scale, epsilon) = (arguments.slice(), arguments.slice(), arguments.f32());
    rms_norm::forward(x, scale, epsilon, arguments.slice_mut(), arguments.slice_mut());
}

/// dy, x, scale, rstd, then dx?, dscale?.
fn rms_norm_gradient(arguments: &mut Arguments) {
    let (dy, x, scale, rstd) = (arguments.slice(), arguments.slice(), arguments.slice(), arguments.slice());
    let gradients = rms_norm::Gradients { x: arguments.slice_mut(), scale: arguments.slice_mut() };
    rms_norm::backward(dy, x, scale, rstd, gradients);
}

/// x, then y.
fn activation(arguments: &mut Arguments, activation: Activation) {
    activations::forward(activation, arguments.slice(), arguments.slice_mut());
}

/// x, dy, then dx.
fn activation_gradient(arguments: &mut Arguments, activation: Activation) {
    activations::backward(activation, arguments.slice(), arguments.slice(), arguments.slice_mut());
}

/// gate, up, then y.
fn swiglu(arguments: &mut Arguments) {
    activations::swiglu(arguments.slice(), arguments.slice(), arguments.slice_mut());
}

/// gate, up, dy, then dgate?, dup?.
fn swiglu_gradient(arguments: &mut Arguments) {
    let (gate, up, dy) = (arguments.slice(), arguments.slice(), arguments.slice());
    activations::swiglu_backward(gate, up, dy, arguments.slice_mut(), arguments.slice_mut());
}

/// ids, table, C, then y.
fn embedding(arguments: &mut Arguments) {
    embedding::forward(arguments.slice(), arguments.slice(), arguments.usize(), arguments.slice_mut());
}

/// ids, dy, C, then dtable.
fn embedding_gradient(arguments: &mut Arguments) {
    let accumulate = arguments.bool();
    let gradient = if accumulate { embedding::accumulate } else { embedding::backward };
    gradient(arguments.slice(), arguments.slice(), arguments.usize(), arguments.slice_mut());
}

/// x, rate, seed, then y.
fn dropout(arguments: &mut Arguments) {
    let x = arguments.slice();
    let mask = DropoutMask::new(arguments.number(), arguments.u32());
    dropout::apply(x, mask, arguments.slice_mut());
}

/// x, the width of its rows, then y.
fn softmax(arguments: &mut Arguments) {
    softmax::forward(arguments.slice(), arguments.usize(), arguments.slice_mut());
}

/// logits, targets, then losses, log-sum-exps?.
fn cross_entropy(arguments: &mut Arguments) {
    cross_entropy::forward(arguments.slice(), arguments.slice(), arguments.slice_mut(), arguments.slice_mut());
}

/// dy, logits, targets, log-sum-exps, then dlogits.
fn cross_entropy_gradient(arguments: &mut Arguments) {
    let (dy, logits, targets) = (arguments.slice(), arguments.slice(), arguments.slice());
    cross_entropy::backward(dy, logits, targets, arguments.slice(), arguments.slice_mut());
}
