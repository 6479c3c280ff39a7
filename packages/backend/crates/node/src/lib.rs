//! The addon: what JavaScript sees of the engine.
//!
//! JavaScript writes a command's words into a buffer that both sides share and calls [`Engine::submit`]. The engine's
//! thread runs the commands in their order. Memory is JavaScript's: array buffers whose addresses the commands carry.

mod queue;

use napi::bindgen_prelude::{ArrayBuffer, Float64Array, PromiseRaw};
use napi::{Env, Error, JsDeferred, Result};
use napi_derive::napi;
use queue::{Failure, Queue};
use std::sync::Arc;

/// The names of all commands; a command's number is its position.
#[napi]
pub fn commands() -> Vec<String> {
    tessera_commands::commands().iter().map(|(name, _)| name.to_string()).collect()
}

/// The instruction set and the number of threads in use, such as "AVX-512, 2 threads".
#[napi]
pub fn description() -> String {
    use tessera_kernels::simd::{level, Level};
    let level = match level() {
        Level::Avx512 => "AVX-512",
        Level::Avx2 => "AVX2",
        Level::Baseline if cfg!(target_arch = "aarch64") => "NEON",
        Level::Baseline => "SSE2",
    };
    let threads = tessera_kernels::parallel::threads();
    format!("{level}, {threads} {}", if threads == 1 { "thread" } else { "threads" })
}

/// The address of an array buffer's memory, which the caller keeps alive as long as commands use it.
#[napi]
pub fn address_of(buffer: ArrayBuffer) -> f64 {
    buffer.as_ptr() as usize as f64
}

/// Large pages spare the processor most of the look-ups of addresses. Only a hint: it may fail.
#[napi]
pub fn prefer_huge_pages(memory: ArrayBuffer) {
    #[cfg(target_os = "linux")]
    {
        const HUGE: usize = 2 << 20;
        let start = (memory.as_ptr() as usize).next_multiple_of(HUGE);
        let end = (memory.as_ptr() as usize + memory.len()) / HUGE * HUGE;
        if start < end {
            // SAFETY: a hint about whole pages inside of this buffer; their contents stay.
            unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_HUGEPAGE) };
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = memory;
}

/// A queue of commands and the thread that runs them.
#[napi]
pub struct Engine {
    queue: Arc<Queue<Fence>>,
    words: Float64Array,
}

/// What a fence does when the queue reaches it.
type Fence = JsDeferred<(), fn(Env) -> Result<()>>;

#[napi]
impl Engine {
    /// `words` is where JavaScript will write each command.
    #[napi(constructor)]
    pub fn new(env: Env, words: Float64Array) -> Result<Self> {
        // The queue reports panics as errors; nobody wants them on the console, too.
        std::panic::set_hook(Box::new(|_| {}));
        let queue = Queue::start(settle)
            .map_err(|cause| Error::from_reason(format!("the engine's thread did not start: {cause}")))?;
        // When this environment ends its memory goes, so that no command may run any more.
        env.add_env_cleanup_hook(queue.clone(), |queue| queue.stop())?;
        Ok(Self { queue, words })
    }

    /// Queues the command that the first `length` words make.
    #[napi]
    pub fn submit(&self, length: u32) {
        self.queue.submit(&self.words[..length as usize]);
    }

    /// Waits until all that was submitted has run. Throws if a command has failed.
    #[napi]
    pub fn drain(&self) -> Result<()> {
        self.queue.drain().map_err(into_error)
    }

    /// Lets commands run again after a failure has been thrown; those queued before are left out.
    #[napi]
    pub fn forgive(&self) {
        self.queue.forgive();
    }

    /// Resolves when all that was submitted before has run; rejects if a command has failed.
    #[napi]
    pub fn fence<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, ()>> {
        let (deferred, promise) = env.create_deferred()?;
        self.queue.fence(deferred);
        Ok(PromiseRaw::new(env.raw(), napi::JsValue::raw(&promise)))
    }
}

fn settle(fence: Fence, outcome: std::result::Result<(), Failure>) {
    match outcome {
        Ok(()) => fence.resolve(|_| Ok(())),
        Err(failure) => fence.reject(into_error(failure)),
    }
}

fn into_error(failure: Failure) -> Error {
    Error::from_reason(failure.0)
}
