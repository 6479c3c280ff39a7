//! Random bits as a pure function of a seed and an index, the same as in the operations' portable pieces.

/// Two rounds of multiply and xor-shift: a bijection of the 32-bit integers in which every bit of the input changes
/// every bit of the output with a probability close to ½.
#[inline(always)]
pub fn hash32(value: u32) -> u32 {
    let h = (value ^ (value >> 16)).wrapping_mul(0x21f0_aaad);
    let h = (h ^ (h >> 15)).wrapping_mul(0x735a_2d97);
    h ^ (h >> 15)
}

/// What each element of a tensor is multiplied by when some are dropped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DropoutMask {
    threshold: u32,
    seed: u32,
    kept: f32,
}

impl DropoutMask {
    /// The mask that drops the share `rate`, in [0, 1), of all elements.
    pub fn new(rate: f64, seed: u32) -> Self {
        assert!((0.0..1.0).contains(&rate), "a dropout rate lies in [0, 1), but this one is {rate}");
        Self { threshold: (rate * 4_294_967_296.0) as u32, seed, kept: (1.0 / (1.0 - rate)) as f32 }
    }

    /// 0 where hash32(hash32(index) xor seed) < ⌊rate · 2³²⌋, else 1 / (1 − rate). The index counts elements in
    /// row-major order, modulo 2³².
    #[inline(always)]
    pub fn factor(&self, index: u32) -> f32 {
        if hash32(hash32(index) ^ self.seed) < self.threshold {
            0.0
        } else {
            self.kept
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_as_the_portable_pieces() {
        assert_eq!([0, 1, 2, 0xffff_ffff].map(hash32), HASHES);
    }

    /// hash32 of 0, 1, 2 and 2³² − 1 by random-bits.ts.
    const HASHES: [u32; 4] = [0, 2261973619, 229111015, 2578835075];

    #[test]
    fn drops_about_the_rate_and_scales_the_rest() {
        for rate in [0.0, 0.1, 0.5, 0.9] {
            let mask = DropoutMask::new(rate, 1337);
            let dropped = (0..100_000).filter(|&i| mask.factor(i) == 0.0).count() as f64 / 1e5;
            assert!((dropped - rate).abs() < 0.01, "{dropped} of the elements are dropped at the rate {rate}");
            assert!((0..100).all(|i| [0.0, (1.0 / (1.0 - rate)) as f32].contains(&mask.factor(i))));
        }
    }

    #[test]
    #[should_panic(expected = "lies in [0, 1)")]
    fn refuses_to_drop_everything() {
        DropoutMask::new(1.0, 0);
    }
}
