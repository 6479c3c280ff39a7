//! Working memory that each thread keeps.

use std::cell::Cell;

/// A cache line: registers that cross two of them load at half the speed.
#[derive(Clone, Copy)]
#[repr(align(64))]
#[allow(dead_code, reason = "the numbers are read through slices")]
struct Line([f32; 16]);

thread_local! {
    static LINES: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

/// Runs `body` with one piece of memory of each size. What they hold is whatever was left there.
pub fn with_scratch<const PIECES: usize>(sizes: [usize; PIECES], body: impl FnOnce([&mut [f32]; PIECES])) {
    let lines = sizes.map(|size| size.div_ceil(16));
    let mut memory = LINES.take();
    memory.resize(memory.len().max(lines.iter().sum()), Line([0.0; 16]));
    let mut rest = &mut memory[..];
    let pieces = lines.map(|count| {
        let (piece, after) = std::mem::take(&mut rest).split_at_mut(count);
        rest = after;
        // SAFETY: a line is 16 numbers and nothing else.
        unsafe { std::slice::from_raw_parts_mut(piece.as_mut_ptr().cast::<f32>(), count * 16) }
    });
    let mut sizes = sizes.into_iter();
    body(pieces.map(|piece| &mut piece[..sizes.next().unwrap_or(0)]));
    LINES.set(memory);
}
