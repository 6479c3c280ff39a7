//! Commands that go element by element. Those of int32 and bool are named after those of float32 with the dtype added.

use tessera_kernels::math::to_int32;
use tessera_kernels::{binary, unary};

use crate::{Arguments, Command};

/// x, y
macro_rules! unary {
    ($($module:ident $suffix:literal: $($name:ident)*;)*) => {
        &[$($(
            (concat!(stringify!($name), $suffix), |a: &mut Arguments| unary::$module::$name(a.slice(), a.slice_mut())),
        )*)*]
    };
}

/// a's shape, b's shape, a, b, y
macro_rules! binary {
    ($($module:ident $suffix:literal: $($name:ident)*;)*) => {
        &[$($(
            (concat!(stringify!($name), $suffix), |a: &mut Arguments| {
                binary::$module::$name(&a.sizes(), &a.sizes(), a.slice(), a.slice(), a.slice_mut())
            }),
        )*)*]
    };
}

pub(crate) const UNARY: &[Command] = unary! {
    float "":
        neg abs square reciprocal sqrt rsqrt sign floor ceil round exp expm1 log log1p sigmoid softplus tanh erf relu
        relu6 elu selu sin cos tan asin acos atan sinh cosh asinh acosh atanh is_nan is_inf is_finite to_int to_bool;
    int "_int32": neg abs square sign relu relu6 to_float to_bool;
    boolean "_bool": not to_float to_int;
};

pub(crate) const BINARY: &[Command] = binary! {
    float "":
        add sub multiply divide squared_difference maximum minimum floor_divide modulo power atan2 prelu elu_gradient
        equal not_equal greater greater_equal less less_equal;
    int "_int32":
        add sub multiply squared_difference maximum minimum floor_divide modulo power
        equal not_equal greater greater_equal less less_equal;
    boolean "_bool": and or equal not_equal;
};

/// Those with numbers before x and y, and the two that have no x, or three.
pub(crate) const OTHERS: &[Command] = &[
    ("leaky_relu", |a| unary::float::leaky_relu(a.f32(), a.slice(), a.slice_mut())),
    ("step", |a| unary::float::step(a.f32(), a.slice(), a.slice_mut())),
    ("clip", |a| unary::float::clip(a.f32(), a.f32(), a.slice(), a.slice_mut())),
    ("clip_int32", |a| unary::int::clip(a.number() as i32, a.number() as i32, a.slice(), a.slice_mut())),
    ("fill", |a| unary::fill(a.f32(), a.slice_mut())),
    ("fill_int32", |a| unary::fill(to_int32(a.number()), a.slice_mut())),
    ("fill_bool", |a| unary::fill(to_int32(a.number()) as u8, a.slice_mut())),
    ("select", |a| unary::select::<u32>(a.slice(), a.slice(), a.slice(), a.slice_mut())),
    ("select_bool", |a| unary::select::<u8>(a.slice(), a.slice(), a.slice(), a.slice_mut())),
];
