//! Commands of the optimiser: many tensors at once.

use tessera_kernels::adamw::{self, Hyperparameters, Parameter};
use tessera_kernels::add_n::add_n;
use tessera_kernels::global_norm::global_norm;

use crate::{Arguments, Command};

pub(crate) const COMMANDS: &[Command] =
    &[("adamw_step", adamw_step), ("global_norm", write_global_norm), ("add_n", write_sum)];

/// lr, β₁, β₂, ε, step, the gradients' scale as a tensor?, the list of weight decays; then, for each of these, the
/// parameter, its gradient, its first and its second moment.
fn adamw_step(arguments: &mut Arguments) {
    let hyperparameters = Hyperparameters {
        learning_rate: arguments.number(),
        beta1: arguments.number(),
        beta2: arguments.number(),
        epsilon: arguments.number(),
        step: arguments.number(),
        gradient_scale: arguments.optional().map_or(1.0, |scale| scale[0]),
    };
    let weight_decays = arguments.numbers();
    let parameter = |weight_decay| Parameter {
        value: arguments.slice_mut(),
        gradient: arguments.slice(),
        first_moment: arguments.slice_mut(),
        second_moment: arguments.slice_mut(),
        weight_decay,
    };
    let mut parameters: Vec<_> = weight_decays.into_iter().map(parameter).collect();
    adamw::step(&mut parameters, hyperparameters);
}

/// The result, then the list of tensors.
fn write_global_norm(arguments: &mut Arguments) {
    let norm: &mut [f32] = arguments.slice_mut();
    norm[0] = global_norm(&arguments.slices());
}

/// The result, then the list of tensors.
fn write_sum(arguments: &mut Arguments) {
    let sum = arguments.slice_mut();
    add_n(&arguments.slices(), sum);
}
