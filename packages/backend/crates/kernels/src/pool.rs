//! Threads that spin, then sleep, and run the numbered tasks of one job at a time.

use std::any::Any;
use std::cell::Cell;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// How long an idle thread looks for work before it sleeps. Kernels of one step follow each other faster than this.
const SPIN: Duration = Duration::from_micros(50);

/// How often a thread looks whether the others have finished before it sleeps: some 10 µs.
const PATIENCE: u32 = 2_000;

type Body<'a> = &'a (dyn Fn(usize) + Sync);

/// Runs the tasks on the pool, or on this thread when the pool is busy with another caller's job.
pub fn run(tasks: usize, body: Body) {
    if tasks > 1 && threads() > 1 && !SERIAL.get() {
        // A kernel inside a task, or a second engine, finds the pool taken and works alone.
        if let Some(_turn) = my_turn() {
            return pool().run(tasks, body);
        }
    }
    (0..tasks).for_each(body);
}

pub fn threads() -> usize {
    static THREADS: OnceLock<usize> = OnceLock::new();
    *THREADS.get_or_init(|| {
        let wanted = std::env::var("TESSERA_THREADS").ok().and_then(|value| value.parse().ok());
        wanted.filter(|&count| count > 0).unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
    })
}

thread_local! {
    static SERIAL: Cell<bool> = const { Cell::new(false) };
}

static TURN: Mutex<()> = Mutex::new(());

/// The pool, unless it is busy. A task that panicked has left it as it was.
fn my_turn() -> Option<MutexGuard<'static, ()>> {
    match TURN.try_lock() {
        Ok(turn) => Some(turn),
        Err(TryLockError::Poisoned(turn)) => Some(turn.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

pub fn serially<R>(body: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            SERIAL.set(self.0);
        }
    }
    let _restore = Restore(SERIAL.replace(true));
    body()
}

fn pool() -> &'static Pool {
    static POOL: OnceLock<&'static Pool> = OnceLock::new();
    POOL.get_or_init(|| {
        let pool: &'static Pool = Box::leak(Box::default());
        for index in 1..threads() {
            let name = format!("tessera-{index}");
            // With fewer threads than wanted the kernels are slower, not wrong.
            let _ = std::thread::Builder::new().name(name).spawn(move || pool.work());
        }
        pool
    })
}

/// The gate's bits: the job's number above, then whether it may be entered, then how many threads are inside.
const OPEN: u64 = 1 << 31;
const INSIDE: u64 = OPEN - 1;

#[derive(Default)]
struct Pool {
    gate: AtomicU64,
    /// The job behind the gate: written while it is closed and nobody is inside, read while it is open.
    job: Mutex<Option<Job>>,
    next: AtomicUsize,
    sleepers: AtomicUsize,
    asleep: Mutex<()>,
    wake: Condvar,
    /// Who waits for the last thread to leave.
    waiter: Mutex<Option<std::thread::Thread>>,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

#[derive(Clone, Copy)]
struct Job {
    body: Body<'static>,
    tasks: usize,
}

impl Pool {
    fn run(&self, tasks: usize, body: Body) {
        // SAFETY: nobody uses `body` after this function: it closes the gate and waits until all have left.
        let body: Body<'static> = unsafe { std::mem::transmute(body) };
        let job = Job { body, tasks };
        *lock(&self.job) = Some(job);
        self.next.store(0, Ordering::Relaxed);
        self.open();
        self.tasks(job);
        self.close();
        if let Some(panic) = lock(&self.panic).take() {
            resume_unwind(panic);
        }
    }

    fn open(&self) {
        let number = (self.gate.load(Ordering::Relaxed) >> 32).wrapping_add(1);
        self.gate.store(number << 32 | OPEN, Ordering::SeqCst);
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            let _asleep = lock(&self.asleep);
            self.wake.notify_all();
        }
    }

    /// Lets nobody in any more and waits until all have left: for a moment awake, then asleep, because a thread that has
    /// lost its processor to another program may need ours to go on.
    fn close(&self) {
        self.gate.fetch_and(!OPEN, Ordering::SeqCst);
        for _ in 0..PATIENCE {
            if self.is_empty() {
                return;
            }
            std::hint::spin_loop();
        }
        *lock(&self.waiter) = Some(std::thread::current());
        while !self.is_empty() {
            std::thread::park();
        }
        *lock(&self.waiter) = None;
    }

    fn is_empty(&self) -> bool {
        self.gate.load(Ordering::SeqCst) & INSIDE == 0
    }

    fn leave(&self) {
        let before = self.gate.fetch_sub(1, Ordering::SeqCst);
        if before & (OPEN | INSIDE) == 1 {
            if let Some(waiter) = lock(&self.waiter).as_ref() {
                waiter.unpark();
            }
        }
    }

    /// Takes tasks until there are none left. A panic ends the job: the tasks that nobody has begun are left out.
    fn tasks(&self, job: Job) {
        let outcome = catch_unwind(AssertUnwindSafe(|| loop {
            let task = self.next.fetch_add(1, Ordering::Relaxed);
            if task >= job.tasks {
                break;
            }
            (job.body)(task);
        }));
        if let Err(panic) = outcome {
            self.next.store(job.tasks, Ordering::Relaxed);
            lock(&self.panic).get_or_insert(panic);
        }
    }

    /// What a thread of the pool does for ever.
    fn work(&self) {
        crate::simd::flush_denormals();
        let mut last = 0;
        loop {
            last = self.wait(last);
            if self.enter(last) {
                let job = *lock(&self.job);
                if let Some(job) = job {
                    self.tasks(job);
                }
                self.leave();
            }
        }
    }

    /// Waits for a job other than `last` and returns its number.
    fn wait(&self, last: u64) -> u64 {
        let started = Instant::now();
        loop {
            for _ in 0..64 {
                if let Some(number) = self.opened(last) {
                    return number;
                }
                std::hint::spin_loop();
            }
            if started.elapsed() > SPIN {
                return self.sleep(last);
            }
        }
    }

    fn sleep(&self, last: u64) -> u64 {
        let mut asleep = lock(&self.asleep);
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        let number = loop {
            if let Some(number) = self.opened(last) {
                break number;
            }
            asleep = self.wake.wait(asleep).unwrap_or_else(PoisonError::into_inner);
        };
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
        number
    }

    fn opened(&self, last: u64) -> Option<u64> {
        let gate = self.gate.load(Ordering::SeqCst);
        (gate & OPEN > 0 && gate >> 32 != last).then_some(gate >> 32)
    }

    /// Goes in if this job is still open.
    fn enter(&self, number: u64) -> bool {
        let enter = |gate: u64| (gate & OPEN > 0 && gate >> 32 == number).then_some(gate + 1);
        self.gate.fetch_update(Ordering::Acquire, Ordering::Relaxed, enter).is_ok()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;

    #[test]
    fn runs_every_task_once() {
        for tasks in [0, 1, 2, 3, 100, 1000] {
            let runs: Vec<AtomicU32> = (0..tasks).map(|_| AtomicU32::new(0)).collect();
            for round in 1..=50 {
                run(tasks, &|task| {
                    runs[task].fetch_add(1, Ordering::Relaxed);
                });
                assert!(runs.iter().all(|count| count.load(Ordering::Relaxed) == round));
            }
        }
    }

    #[test]
    fn raises_a_panic_and_works_on() {
        let outcome = catch_unwind(|| run(100, &|task| assert!(task != 37, "task 37")));
        assert_eq!(outcome.unwrap_err().downcast_ref::<&str>(), Some(&"task 37"));
        let sum = AtomicUsize::new(0);
        run(10, &|task| {
            sum.fetch_add(task, Ordering::Relaxed);
        });
        assert_eq!(sum.into_inner(), 45);
        while my_turn().is_none() {
            std::thread::yield_now(); // another test has it
        }
    }

    #[test]
    fn a_kernel_inside_a_task_works_alone() {
        let sum = AtomicUsize::new(0);
        run(4, &|_| {
            run(10, &|task| {
                sum.fetch_add(task, Ordering::Relaxed);
            });
        });
        assert_eq!(sum.into_inner(), 180);
    }

    #[test]
    fn wakes_after_a_sleep() {
        for _ in 0..20 {
            std::thread::sleep(SPIN * 4);
            let sum = AtomicUsize::new(0);
            run(64, &|task| {
                sum.fetch_add(task, Ordering::Relaxed);
            });
            assert_eq!(sum.into_inner(), 2016);
        }
    }
}
