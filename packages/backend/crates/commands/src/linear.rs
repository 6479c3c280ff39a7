//! Commands of the linear layer.

use crate::Command;

pub(crate) const COMMANDS: &[Command] = &[];
