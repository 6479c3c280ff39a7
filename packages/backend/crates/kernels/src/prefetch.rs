//! What is needed soon, fetched from memory meanwhile.

/// Numbers of 4 bytes in a line of the cache.
const LINE: usize = 16;

/// Has these numbers fetched while something else is computed.
#[inline(always)]
pub fn prefetch(numbers: &[f32]) {
    numbers.iter().step_by(LINE).for_each(line_of);
}

#[inline(always)]
fn line_of(number: &f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, which changes nothing.
    unsafe {
        use std::arch::x86_64::{_mm_prefetch, _MM_HINT_T1};
        _mm_prefetch::<_MM_HINT_T1>(std::ptr::from_ref(number).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = number;
}
