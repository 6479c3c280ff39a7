//! The kernels as a WebAssembly module with plain exports: no glue code, one memory, one thread.
//!
//! JavaScript writes a command's words into the buffer that [`words`] gives out and calls [`run`]. It manages the
//! memory of tensors itself, in ranges that it gets from [`reserve`].

#![cfg(target_arch = "wasm32")]

use std::sync::{Mutex, Once};

/// Words of one command at most.
const WORDS: usize = 1 << 17;
const PAGE: usize = 1 << 16;

/// The address of the buffer for a command's words.
#[no_mangle]
pub extern "C" fn words() -> *mut f64 {
    static WATCH: Once = Once::new();
    WATCH.call_once(remember_panics);
    Box::leak(vec![0.0; WORDS].into_boxed_slice()).as_mut_ptr()
}

/// Runs the command that the first `length` words at `words` make. A panic traps; [`failure`] then says why.
///
/// # Safety
/// As `tessera_commands::run`.
#[no_mangle]
pub unsafe extern "C" fn run(words: *const f64, length: usize) {
    // SAFETY: by the caller's promise.
    unsafe { tessera_commands::run(std::slice::from_raw_parts(words, length)) }
}

/// The address of a new range of this many bytes, or 0 if the memory cannot grow any more.
#[no_mangle]
pub extern "C" fn reserve(bytes: usize) -> usize {
    match core::arch::wasm32::memory_grow(0, bytes.div_ceil(PAGE)) {
        usize::MAX => 0,
        page => page * PAGE,
    }
}

/// The names of all commands, one per line: [`text_length`] bytes of UTF-8 at the address returned.
#[no_mangle]
pub extern "C" fn commands() -> *const u8 {
    let names: Vec<&str> = tessera_commands::commands().iter().map(|(name, _)| *name).collect();
    hand_out(names.join("\n"))
}

/// Why the last command trapped: [`text_length`] bytes of UTF-8 at the address returned.
#[no_mangle]
pub extern "C" fn failure() -> *const u8 {
    let message = FAILURE.lock().map(|mut message| std::mem::take(&mut *message)).unwrap_or_default();
    hand_out(message)
}

/// The length of the text that was handed out last.
#[no_mangle]
pub extern "C" fn text_length() -> usize {
    TEXT.lock().map(|text| text.len()).unwrap_or(0)
}

static TEXT: Mutex<String> = Mutex::new(String::new());
static FAILURE: Mutex<String> = Mutex::new(String::new());

/// Keeps the text until the next one.
fn hand_out(text: String) -> *const u8 {
    TEXT.lock().map_or(std::ptr::null(), |mut kept| {
        *kept = text;
        kept.as_ptr()
    })
}

fn remember_panics() {
    std::panic::set_hook(Box::new(|panic| {
        if let Ok(mut failure) = FAILURE.lock() {
            *failure = panic.payload_as_str().unwrap_or("a kernel failed").to_owned();
        }
    }));
}
