//! The sum of several tensors of one size.

use crate::column_sums::add;
use crate::parallel::{for_each_range, items_per_task, Disjoint};

/// y ← Σ xᵢ, added in their order: a copy of one.
pub fn add_n(tensors: &[&[f32]], y: &mut [f32]) {
    let (first, rest) = tensors.split_first().expect("at least one tensor is added up");
    assert!(tensors.iter().all(|x| x.len() == y.len()), "tensors that are added up are of one size");
    let len = y.len();
    let y = Disjoint::new(y);
    for_each_range(len, items_per_task(len, tensors.len()), |range| {
        // SAFETY: tasks have different ranges.
        let y = unsafe { y.range(range.clone()) };
        y.copy_from_slice(&first[range.clone()]);
        for x in rest {
            add(&x[range.clone()], y);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{random, SIZES};

    #[test]
    fn adds_in_order() {
        for size in SIZES {
            let tensors = [1, 2, 3].map(|seed| random(size, seed, 1.0));
            let mut y = vec![f32::NAN; size];
            add_n(&tensors.each_ref().map(|x| &x[..]), &mut y);
            let mut copy = vec![f32::NAN; size];
            add_n(&[&tensors[0]], &mut copy);
            assert_eq!(copy, tensors[0]);
            assert!((0..size).all(|i| y[i] == tensors[0][i] + tensors[1][i] + tensors[2][i]));
        }
    }
}
