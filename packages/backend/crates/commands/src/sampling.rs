//! The command that chooses a token.

use tessera_kernels::sampling::{sample, Options};

use crate::{Arguments, Command};

pub(crate) const COMMANDS: &[Command] = &[("sample", write_token)];

/// logits, temperature, how many tokens to keep at most, the share of probability to keep, a number from [0, 1), then
/// the token.
fn write_token(arguments: &mut Arguments) {
    let logits = arguments.slice();
    let options = Options { temperature: arguments.number(), top_k: arguments.usize(), top_p: arguments.number() };
    let uniform = arguments.number();
    let token: &mut [i32] = arguments.slice_mut();
    token[0] = sample(logits, options, uniform) as i32;
}
