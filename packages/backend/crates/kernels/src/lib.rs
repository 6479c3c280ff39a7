//! The operations that train and run a language model, as functions on slices.
//!
//! No kernel allocates tensors, does input or output, or keeps state. Each is compared in its tests with a plain
//! reference that is obviously right. Matrices are row-major. Results do not depend on the number of threads: work is
//! split into tasks by its size alone, and sums are taken in an order that the split fixes.

pub mod lanes;
pub mod math;
pub mod parallel;
mod quad;
pub mod random_bits;
mod scratch;
pub mod simd;
pub mod sums;

// Products: matrices, the linear layer, the head with its loss, decoding.
pub mod linear;
pub mod linear_cross_entropy;
pub mod matmul;
pub mod matvec;
mod microkernel;
mod packing;
mod prefetch;
pub mod tiles;

// Attention and positions.
pub mod attention;
pub mod rotary;

// What stands between the products.
pub mod activations;
pub mod column_sums;
pub mod cross_entropy;
pub mod dropout;
pub mod embedding;
pub mod layer_norm;
pub mod rms_norm;
pub mod softmax;

// Optimiser and sampling.
pub mod adamw;
pub mod add_n;
pub mod global_norm;
pub mod sampling;

// TensorFlow.js's general operations.
pub mod binary;
pub mod copy;
pub mod gather;
pub mod reduce;
pub mod scan;
pub mod strided;
pub mod unary;
pub mod weights;

#[cfg(test)]
mod test_support;
