//! What the kernels' tests share.

/// Sizes that meet every path: none, one, around the lanes, several tasks.
pub const SIZES: [usize; 7] = [0, 1, 15, 16, 17, 1000, 100_003];

/// Numbers without pattern in [−limit, limit], the same for the same seed.
pub fn random(size: usize, seed: u32, limit: f32) -> Vec<f32> {
    let hash = |i: usize| crate::random_bits::hash32(crate::random_bits::hash32(i as u32) ^ seed);
    (0..size).map(|i| (hash(i) as f64 / 2_147_483_648.0 - 1.0) as f32 * limit).collect()
}

/// Fails unless each number is within `tolerance · (1 + |expected|)` of the expected one.
pub fn assert_close(actual: &[f32], expected: impl Fn(usize) -> f64, tolerance: f64) {
    for (i, &value) in actual.iter().enumerate() {
        let (value, expected) = (value as f64, expected(i));
        let error = (value - expected).abs();
        assert!(error <= tolerance * (1.0 + expected.abs()), "element {i} is {value}, expected {expected}");
    }
}
