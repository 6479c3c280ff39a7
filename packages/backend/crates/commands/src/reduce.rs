//! Commands along one axis: outer, n, inner, x, y.

use tessera_kernels::reduce::{boolean, float, int, Sizes};
use tessera_kernels::scan::{self, Direction};

use crate::{Arguments, Command};

macro_rules! reductions {
    ($($module:ident $suffix:literal: $($name:ident)*;)*) => {
        &[$($(
            (concat!(stringify!($name), $suffix), |a: &mut Arguments| {
                $module::$name(sizes(a), a.slice(), a.slice_mut())
            }),
        )*)*]
    };
}

pub(crate) const REDUCTIONS: &[Command] = reductions! {
    float "": sum mean product max min arg_max arg_min;
    int "_int32": sum max min arg_max arg_min;
    boolean "_bool": all any;
};

/// outer, n, inner, exclusive, reverse, x, y
pub(crate) const SCANS: &[Command] = &[
    ("cumulative_sum", |a| scan::cumulative_sum_float(sizes(a), direction(a), a.slice(), a.slice_mut())),
    ("cumulative_sum_int32", |a| scan::cumulative_sum_int(sizes(a), direction(a), a.slice(), a.slice_mut())),
    ("cumulative_product", |a| scan::cumulative_product_float(sizes(a), direction(a), a.slice(), a.slice_mut())),
];

fn sizes(a: &mut Arguments) -> Sizes {
    [a.usize(), a.usize(), a.usize()]
}

fn direction(a: &mut Arguments) -> Direction {
    Direction { exclusive: a.bool(), reverse: a.bool() }
}
