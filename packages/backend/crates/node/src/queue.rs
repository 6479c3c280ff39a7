//! An in-order queue of commands with a thread of its own.
//!
//! After a command has failed, the ones behind it are left out until the failure has been reported: they would compute
//! with what the failed one did not write, and an optimiser's step would spoil the parameters for good.

use std::any::Any;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long the idle thread looks for commands before it sleeps.
const SPIN: Duration = Duration::from_micros(50);
/// How many words may wait; whoever submits more waits, too.
const CAPACITY: usize = 1 << 22;

/// Why a command failed.
#[derive(Clone)]
pub struct Failure(pub String);

/// Commands on their way to the thread, and what JavaScript waits for.
pub struct Queue<F> {
    pending: Mutex<Batch<F>>,
    /// How many items have been submitted and how many are done.
    submitted: AtomicU64,
    done: AtomicU64,
    stopped: AtomicBool,
    failure: Mutex<Option<Failure>>,
    failed: AtomicBool,
    arrived: Condvar,
    finished: Condvar,
    /// Held while waiting for `finished`.
    waiting: Mutex<()>,
}

/// Items in their order. A command is how many words it has, then these.
struct Batch<F> {
    words: Vec<f64>,
    /// Fences, each with the number of words that stand before it.
    fences: Vec<(usize, F)>,
    asleep: bool,
}

impl<F: Send + 'static> Queue<F> {
    /// Starts the thread. `settle` tells a fence how it went.
    pub fn start(settle: fn(F, Result<(), Failure>)) -> std::io::Result<Arc<Self>> {
        let queue = Arc::new(Self {
            pending: Mutex::new(Batch { words: Vec::new(), fences: Vec::new(), asleep: false }),
            submitted: AtomicU64::new(0),
            done: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            failure: Mutex::new(None),
            failed: AtomicBool::new(false),
            arrived: Condvar::new(),
            finished: Condvar::new(),
            waiting: Mutex::new(()),
        });
        let own = queue.clone();
        std::thread::Builder::new().name("tessera-0".into()).spawn(move || own.work(settle))?;
        Ok(queue)
    }

    /// Adds a command.
    pub fn submit(&self, words: &[f64]) {
        self.add(|batch| {
            batch.words.push(words.len() as f64);
            batch.words.extend_from_slice(words);
        });
    }

    /// Adds a fence.
    pub fn fence(&self, fence: F) {
        self.add(|batch| batch.fences.push((batch.words.len(), fence)));
    }

    fn add(&self, change: impl FnOnce(&mut Batch<F>)) {
        let mut batch = lock(&self.pending);
        if batch.words.len() > CAPACITY {
            drop(batch);
            self.wait_for(self.submitted.load(Ordering::Acquire));
            batch = lock(&self.pending);
        }
        change(&mut batch);
        self.submitted.fetch_add(1, Ordering::Release);
        if batch.asleep {
            self.arrived.notify_one();
        }
    }

    /// Waits until everything submitted is done, and says whether a command has failed.
    pub fn drain(&self) -> Result<(), Failure> {
        self.wait_for(self.submitted.load(Ordering::Acquire));
        self.outcome()
    }

    /// Lets commands run again after a failure: JavaScript knows of it now.
    pub fn forgive(&self) {
        // What was queued before has to be left out first.
        self.wait_for(self.submitted.load(Ordering::Acquire));
        *lock(&self.failure) = None;
        self.failed.store(false, Ordering::Release);
    }

    /// Lets the thread end after the command that it is running, and waits for that.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        let target = self.submitted.load(Ordering::Acquire);
        lock(&self.pending).asleep = false;
        self.arrived.notify_one();
        self.wait_for(target);
    }

    fn wait_for(&self, target: u64) {
        let started = Instant::now();
        while started.elapsed() < SPIN {
            if self.done.load(Ordering::Acquire) >= target {
                return;
            }
            std::hint::spin_loop();
        }
        let mut waiting = lock(&self.waiting);
        while self.done.load(Ordering::Acquire) < target {
            waiting = self.finished.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn outcome(&self) -> Result<(), Failure> {
        match &*lock(&self.failure) {
            Some(failure) => Err(failure.clone()),
            None => Ok(()),
        }
    }

    fn work(&self, settle: fn(F, Result<(), Failure>)) {
        tessera_kernels::simd::flush_denormals();
        let mut batch = Batch { words: Vec::new(), fences: Vec::new(), asleep: false };
        while self.take(&mut batch) {
            self.run(&mut batch, settle);
        }
    }

    /// Waits for items and swaps them into `batch`; false when the queue has been stopped.
    fn take(&self, batch: &mut Batch<F>) -> bool {
        let started = Instant::now();
        while self.is_idle() && started.elapsed() < SPIN {
            std::hint::spin_loop();
        }
        let mut pending = lock(&self.pending);
        while self.is_idle() {
            pending.asleep = true;
            pending = self.arrived.wait(pending).unwrap_or_else(PoisonError::into_inner);
        }
        pending.asleep = false;
        std::mem::swap(&mut *pending, batch);
        !(self.is_stopped() && batch.words.is_empty() && batch.fences.is_empty())
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    fn is_idle(&self) -> bool {
        self.done.load(Ordering::Relaxed) == self.submitted.load(Ordering::Acquire)
            && !self.stopped.load(Ordering::Acquire)
    }

    fn run(&self, batch: &mut Batch<F>, settle: fn(F, Result<(), Failure>)) {
        let mut fences = batch.fences.drain(..).peekable();
        let mut at = 0;
        loop {
            while let Some((_, fence)) = fences.next_if(|(position, _)| *position <= at) {
                // Nobody is there any more to hear of it once the queue has been stopped.
                if !self.is_stopped() {
                    settle(fence, self.outcome());
                }
                self.finish();
            }
            let Some(&length) = batch.words.get(at) else { break };
            let end = at + 1 + length as usize;
            self.run_command(&batch.words[at + 1..end]);
            self.finish();
            at = end;
        }
        drop(fences);
        batch.words.clear();
    }

    fn run_command(&self, words: &[f64]) {
        if self.failed.load(Ordering::Acquire) || self.is_stopped() {
            return;
        }
        // SAFETY: JavaScript sends the addresses of tensors that it keeps until the queue has passed them.
        let outcome = catch_unwind(AssertUnwindSafe(|| unsafe { tessera_commands::run(words) }));
        if let Err(panic) = outcome {
            *lock(&self.failure) = Some(Failure(message(panic.as_ref(), words)));
            self.failed.store(true, Ordering::Release);
        }
    }

    fn finish(&self) {
        let done = self.done.fetch_add(1, Ordering::AcqRel) + 1;
        if done == self.submitted.load(Ordering::Acquire) {
            let _waiting = lock(&self.waiting);
            self.finished.notify_all();
        }
    }
}

/// What the panic said, with the name of the command.
fn message(panic: &(dyn Any + Send), words: &[f64]) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    let command = words.first().and_then(|&number| tessera_commands::commands().get(number as usize));
    format!("{}: {}", command.map_or("command", |(name, _)| name), text.unwrap_or("it failed"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
