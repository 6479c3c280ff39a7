//! Commands that move bytes.

use crate::{Arguments, Command};

pub(crate) const COMMANDS: &[Command] = &[("upload", upload), ("copy", copy)];

/// target ← the bytes that follow: target, then its bytes packed into words.
fn upload(arguments: &mut Arguments) {
    let target: &mut [u8] = arguments.slice_mut();
    let bytes = arguments.bytes(target.len());
    target.copy_from_slice(bytes);
}

/// target ← source: target, source, both in bytes.
fn copy(arguments: &mut Arguments) {
    let target: &mut [u8] = arguments.slice_mut();
    target.copy_from_slice(arguments.slice());
}
