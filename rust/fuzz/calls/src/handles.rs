//! The handles of one kind: some that are shared by all threads, and some of this thread's own.

/// Handles of a library, which frees them.
pub struct Handles<T> {
    free: unsafe extern "C" fn(*mut T),
    shared: Vec<*mut T>,
    own: Vec<*mut T>,
}

/// More than these are freed, the oldest first.
const MOST: usize = 6;

impl<T> Handles<T> {
    /// `shared` outlive these, and are freed by whoever made them.
    pub fn new(free: unsafe extern "C" fn(*mut T), shared: &[Shared<T>]) -> Self {
        let shared = shared.iter().map(|handle| handle.pointer).collect();
        Self {
            free,
            shared,
            own: Vec::new(),
        }
    }

    /// All that may be used.
    pub fn all(&self) -> impl Iterator<Item = *mut T> {
        self.shared.iter().chain(&self.own).copied()
    }

    /// Takes what the library handed out.
    pub fn keep(&mut self, handle: *mut T) {
        assert!(!handle.is_null(), "a call that succeeds hands out a handle");
        self.own.push(handle);
        if self.own.len() > MOST {
            let oldest = self.own.remove(0);
            // SAFETY: it came from the library, and nobody else has it.
            unsafe { (self.free)(oldest) };
        }
    }

    /// Gives the newest one away, if there is one; the caller frees it.
    pub fn take(&mut self) -> Option<*mut T> {
        self.own.pop()
    }
}

impl<T> Drop for Handles<T> {
    fn drop(&mut self) {
        for handle in self.own.drain(..) {
            // SAFETY: it came from the library, and nobody else has it.
            unsafe { (self.free)(handle) };
        }
    }
}

/// A handle that all threads use at once.
pub struct Shared<T> {
    pointer: *mut T,
    free: unsafe extern "C" fn(*mut T),
}

// SAFETY: the headers let every handle be shared between threads.
unsafe impl<T> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// What the library handed out, and by what it is freed.
    pub fn new(pointer: *mut T, free: unsafe extern "C" fn(*mut T)) -> Self {
        assert!(!pointer.is_null(), "a call that succeeds hands out a handle");
        Self { pointer, free }
    }

    /// The handle itself.
    #[must_use]
    pub fn pointer(&self) -> *mut T {
        self.pointer
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        // SAFETY: it came from the library; whoever used it is gone.
        unsafe { (self.free)(self.pointer) };
    }
}
