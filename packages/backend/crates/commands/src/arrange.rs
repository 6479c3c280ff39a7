//! Commands that copy, pick and add up elements by their places. Numbers of four bytes are copied alike, whatever they are.

use tessera_kernels::copy::{copy, View};
use tessera_kernels::gather::{gather, one_hot, scatter_sum, segment_sum, Summand};

use crate::{Arguments, Command};

pub(crate) const COMMANDS: &[Command] = &[
    ("copy_box", copy_box::<u32>),
    ("copy_box_bool", copy_box::<u8>),
    ("gather", gather_rows::<u32>),
    ("gather_bool", gather_rows::<u8>),
    ("segment_sum", segments::<f32>),
    ("segment_sum_int32", segments::<i32>),
    ("scatter_sum", scatter::<f32>),
    ("scatter_sum_int32", scatter::<i32>),
    ("one_hot", |a| one_hot(a.usize(), a.f32(), a.f32(), a.slice(), a.slice_mut())),
    ("one_hot_int32", |a| one_hot(a.usize(), a.number() as i32, a.number() as i32, a.slice(), a.slice_mut())),
    ("one_hot_bool", |a| one_hot(a.usize(), a.bool() as u8, a.bool() as u8, a.slice(), a.slice_mut())),
];

/// The box's sizes, x, where it begins in x, its steps there, and the same for y.
fn copy_box<T: Copy + Default + Send + Sync + 'static>(a: &mut Arguments) {
    let sizes = a.sizes();
    let (x, x_start, x_steps) = (a.slice::<T>(), a.number() as isize, a.steps());
    let (y, y_start, y_steps) = (a.slice_mut(), a.number() as isize, a.steps());
    copy(&sizes, x, View { start: x_start, steps: &x_steps }, y, View { start: y_start, steps: &y_steps });
}

/// batch, outer, n, width, x, indices, y
fn gather_rows<T: Copy + Send + Sync + 'static>(a: &mut Arguments) {
    let sizes = [a.usize(), a.usize(), a.usize(), a.usize()];
    gather::<T>(sizes, a.slice(), a.slice(), a.slice_mut());
}

/// width, x, ids, y
fn segments<T: Summand + 'static>(a: &mut Arguments) {
    segment_sum::<T>(a.usize(), a.slice(), a.slice(), a.slice_mut());
}

/// width, y's indexed axes, x, indices, y
fn scatter<T: Summand + 'static>(a: &mut Arguments) {
    scatter_sum::<T>(a.usize(), &a.sizes(), a.slice(), a.slice(), a.slice_mut());
}
