//! The kernels as numbered commands.
//!
//! A command is a list of numbers: which kernel, then its arguments in the order in which [`Arguments`] hands them
//! out. The same list works in the Node addon, which queues it, and in WebAssembly, which runs it at once. The
//! TypeScript side asks for the names once and sends positions in this list from then on.

use std::sync::OnceLock;

mod arguments;
mod arrange;
mod attention;
mod elementwise;
mod layers;
mod linear;
mod memory;
mod optimizer;
mod reduce;
mod sampling;

pub use arguments::Arguments;

/// A kernel's name and what runs it.
pub type Command = (&'static str, fn(&mut Arguments));

/// One list per file, joined in this order.
const GROUPS: &[&[Command]] = &[
    memory::COMMANDS,
    linear::COMMANDS,
    attention::COMMANDS,
    layers::COMMANDS,
    optimizer::COMMANDS,
    sampling::COMMANDS,
    elementwise::UNARY,
    elementwise::BINARY,
    elementwise::OTHERS,
    reduce::REDUCTIONS,
    reduce::SCANS,
    arrange::COMMANDS,
];

/// All commands; a command's number is its position.
pub fn commands() -> &'static [Command] {
    static ALL: OnceLock<Vec<Command>> = OnceLock::new();
    ALL.get_or_init(|| GROUPS.concat())
}

/// Runs one command.
///
/// # Panics
/// If there is no such command, or its arguments are not what the kernel needs.
///
/// # Safety
/// Every address among the words must be that of memory which holds as many elements as the length after it says, and
/// which nobody else uses while the command runs.
pub unsafe fn run(words: &[f64]) {
    let number = *words.first().expect("a command begins with its number") as usize;
    let (_, kernel) = commands().get(number).unwrap_or_else(|| panic!("there is no command {number}"));
    kernel(&mut Arguments::new(&words[1..]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_a_name_of_its_own() {
        let mut names: Vec<_> = commands().iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        let repeated: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
        assert!(repeated.is_empty(), "{repeated:?}");
    }
}
