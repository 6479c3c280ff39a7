//! The command that chooses tokens.

use tessera_kernels::sampling::{sample_rows, Options};

use crate::{Arguments, Command};

pub(crate) const COMMANDS: &[Command] = &[("sample", write_tokens)];

/// rows of logits, temperature, how many tokens to keep at most, the share of probability to keep, the least share of
/// the greatest probability, a number from [0, 1) for each row, then the token of each row.
fn write_tokens(arguments: &mut Arguments) {
    let logits = arguments.slice();
    let options = Options {
        temperature: arguments.number(),
        top_k: arguments.usize(),
        top_p: arguments.number(),
        min_p: arguments.number(),
    };
    let uniforms = arguments.slice();
    sample_rows(logits, options, uniforms, arguments.slice_mut());
}
