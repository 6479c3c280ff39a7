//! Products of a matrix with one vector, for decoding: f32, bf16, f16 and 8-bit blocks.
