//! Reading a command's words.

/// The words of one command, read from the first to the last.
///
/// A tensor is two words, the address of its first element and how many it has; address 0 is an absent tensor. The
/// promise that addresses are right is made once, by the caller of [`crate::run`].
pub struct Arguments<'a> {
    words: &'a [f64],
    next: usize,
}

impl<'a> Arguments<'a> {
    pub(crate) fn new(words: &'a [f64]) -> Self {
        Self { words, next: 0 }
    }

    /// One number.
    pub fn number(&mut self) -> f64 {
        let word = self.words.get(self.next).copied();
        self.next += 1;
        word.expect("a command has too few arguments")
    }

    /// A size or an index.
    pub fn usize(&mut self) -> usize {
        self.number() as usize
    }

    /// A number in single precision.
    pub fn f32(&mut self) -> f32 {
        self.number() as f32
    }

    /// Whole numbers from 0 to 2³² − 1, such as seeds.
    pub fn u32(&mut self) -> u32 {
        self.number() as u32
    }

    /// Whether the word is not 0.
    pub fn bool(&mut self) -> bool {
        self.number() != 0.0
    }

    /// A list of sizes: how many, then each.
    pub fn sizes(&mut self) -> Vec<usize> {
        let count = self.usize();
        (0..count).map(|_| self.usize()).collect()
    }

    /// A list of numbers: how many, then each.
    pub fn numbers(&mut self) -> Vec<f64> {
        let count = self.usize();
        (0..count).map(|_| self.number()).collect()
    }

    /// A list of tensors to read: how many, then each.
    pub fn slices<T>(&mut self) -> Vec<&'a [T]> {
        let count = self.usize();
        (0..count).map(|_| self.slice()).collect()
    }

    /// A list of steps, which may go backwards: how many, then each.
    pub fn steps(&mut self) -> Vec<isize> {
        let count = self.usize();
        (0..count).map(|_| self.number() as isize).collect()
    }

    /// A tensor to read. Empty if absent.
    pub fn slice<T>(&mut self) -> &'a [T] {
        self.optional().unwrap_or_default()
    }

    /// A tensor to read that may be absent.
    pub fn optional<T>(&mut self) -> Option<&'a [T]> {
        let (address, length) = (self.usize(), self.usize());
        // SAFETY: the caller of `run` promises that this memory is there and ours.
        (address != 0).then(|| unsafe { std::slice::from_raw_parts(address as *const T, length) })
    }

    /// A tensor to write. Empty if absent.
    pub fn slice_mut<T>(&mut self) -> &'a mut [T] {
        self.optional_mut().unwrap_or_default()
    }

    /// A tensor to write that may be absent.
    pub fn optional_mut<T>(&mut self) -> Option<&'a mut [T]> {
        let (address, length) = (self.usize(), self.usize());
        // SAFETY: as above; a command never names the memory that it writes twice.
        (address != 0).then(|| unsafe { std::slice::from_raw_parts_mut(address as *mut T, length) })
    }

    /// The next words as bytes, not as numbers.
    pub(crate) fn bytes(&mut self, length: usize) -> &'a [u8] {
        let words = &self.words[self.next..self.next + length.div_ceil(8)];
        self.next += words.len();
        // SAFETY: the words hold at least `length` bytes, and any byte is a u8.
        unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), length) }
    }
}
