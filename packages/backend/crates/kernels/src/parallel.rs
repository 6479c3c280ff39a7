//! One pool of threads for all kernels.
//!
//! A training step is a few hundred kernels of some 10 µs each, so what counts is how fast the threads take up the next
//! one: they spin for a moment before they sleep. Tasks are numbered, and a kernel cuts its work into tasks by size
//! alone, never by the number of threads, so that results are the same on any number of them.

use std::marker::PhantomData;
use std::ops::Range;

/// About how many simple operations (an element read, a multiplication, an element written) are worth a task.
pub const TASK_WORK: usize = 1 << 15;

/// How many of `items` make a task when each costs `work` simple operations; at least 1.
pub fn items_per_task(items: usize, work: usize) -> usize {
    (TASK_WORK / work.max(1)).clamp(1, items.max(1))
}

/// Runs `body(0)` … `body(tasks - 1)` on all threads, in any order, and returns when all are done.
///
/// A panic in one of them is raised here after the others have ended.
pub fn for_each(tasks: usize, body: impl Fn(usize) + Sync) {
    #[cfg(not(target_arch = "wasm32"))]
    pool::run(tasks, &body);
    #[cfg(target_arch = "wasm32")]
    (0..tasks).for_each(body);
}

/// Cuts `0..items` into ranges of `size` (the last may be shorter) and runs `body` on each, on all threads.
pub fn for_each_range(items: usize, size: usize, body: impl Fn(Range<usize>) + Sync) {
    let size = size.max(1);
    for_each(items.div_ceil(size), |task| {
        body(task * size..items.min((task + 1) * size));
    });
}

/// Cuts a slice into chunks of `size` (the last may be shorter) and runs `body(index, chunk)` on each, on all threads.
pub fn for_each_chunk<T: Send>(data: &mut [T], size: usize, body: impl Fn(usize, &mut [T]) + Sync) {
    let size = size.max(1);
    let shared = Disjoint::new(data);
    for_each_range(shared.len(), size, |range| {
        let index = range.start / size;
        // SAFETY: the ranges of different tasks do not overlap.
        body(index, unsafe { shared.range(range) });
    });
}

/// A mutable slice that several tasks write to, each in a range of its own.
pub struct Disjoint<'a, T> {
    start: *mut T,
    len: usize,
    borrow: PhantomData<&'a mut [T]>,
}

// SAFETY: `range` is the only way in, and its contract forbids two tasks the same element.
unsafe impl<T: Send> Sync for Disjoint<'_, T> {}
// SAFETY: as above; it stands for a `&mut [T]`, which is `Send`.
unsafe impl<T: Send> Send for Disjoint<'_, T> {}

impl<'a, T> Disjoint<'a, T> {
    /// Borrows the slice for as long as the tasks run.
    pub fn new(data: &'a mut [T]) -> Self {
        Self { start: data.as_mut_ptr(), len: data.len(), borrow: PhantomData }
    }

    /// The length of the whole slice.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first element. What several tasks write through it must not overlap.
    pub fn pointer(&self) -> *mut T {
        self.start
    }

    /// One range of the slice.
    ///
    /// # Safety
    /// No two ranges that are in use at the same time may overlap.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn range(&self, range: Range<usize>) -> &mut [T] {
        assert!(range.start <= range.end && range.end <= self.len, "range {range:?} outside of {} elements", self.len);
        // SAFETY: inside the slice by the check above, and not in use elsewhere by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }
}

/// How many threads work on a kernel: `TESSERA_THREADS`, else as many as the machine has.
pub fn threads() -> usize {
    #[cfg(not(target_arch = "wasm32"))]
    return pool::threads();
    #[cfg(target_arch = "wasm32")]
    return 1;
}

/// Runs `body` with every kernel on the calling thread alone.
#[cfg(not(target_arch = "wasm32"))]
pub fn serially<R>(body: impl FnOnce() -> R) -> R {
    pool::serially(body)
}

#[cfg(not(target_arch = "wasm32"))]
#[path = "pool.rs"]
mod pool;
