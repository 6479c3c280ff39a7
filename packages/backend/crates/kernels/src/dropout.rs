//! Dropout with a mask that is a function of the seed and the index alone.

use crate::parallel::{for_each_range, items_per_task, Disjoint};
use crate::random_bits::DropoutMask;
use crate::vectorized;

/// y ← x · mask. The gradient is the same function of dy.
pub fn apply(x: &[f32], mask: DropoutMask, y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "dropout returns as many numbers as it gets");
    let y = Disjoint::new(y);
    for_each_range(x.len(), items_per_task(x.len(), 4), |range| {
        // SAFETY: tasks have different ranges.
        multiply(&x[range.clone()], mask, range.start as u32, unsafe { y.range(range) });
    });
}

vectorized! {
    fn multiply(x: &[f32], mask: DropoutMask, first: u32, y: &mut [f32]) {
        for (i, (y, x)) in y.iter_mut().zip(x).enumerate() {
            *y = x * mask.factor(first.wrapping_add(i as u32));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{random, SIZES};

    #[test]
    fn multiplies_each_element_by_its_factor() {
        let mask = DropoutMask::new(0.3, 42);
        for size in SIZES {
            let x = random(size, 1, 1.0);
            let mut y = vec![f32::NAN; size];
            apply(&x, mask, &mut y);
            assert!(x.iter().zip(&y).enumerate().all(|(i, (x, y))| *y == x * mask.factor(i as u32)));
        }
    }
}
