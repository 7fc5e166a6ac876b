//! The end of the caller's functions: told once, when nothing can call them any more.

use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{guard, last_error};

/// What a caller gave to be told that its functions are needed no more, and is handed its user data for it.
pub type ReleaseFunction = unsafe extern "C" fn(user_data: *mut c_void);

/// Keeps the caller's functions: when the last clone is gone, the caller is told, if its functions were ever [accepted].
///
/// Whatever may call the functions holds a clone, and drops it without a lock and after their last call has returned.
///
/// [accepted]: Release::accept
#[derive(Clone)]
pub struct Release(Option<Arc<Hook>>);

struct Hook {
    function: ReleaseFunction,
    user_data: *mut c_void,
    is_accepted: AtomicBool,
}

// SAFETY: `new` demands that the function may be called with the user data from any thread.
unsafe impl Send for Hook {}
// SAFETY: as above; they are used once, by the one that drops it.
unsafe impl Sync for Hook {}

impl Release {
    /// `None` for a caller that need not be told.
    ///
    /// # Safety
    ///
    /// The function may be called once with the user data, from any thread, and does not unwind.
    #[must_use]
    pub unsafe fn new(function: Option<ReleaseFunction>, user_data: *mut c_void) -> Self {
        Self(function.map(|function| {
            Arc::new(Hook {
                function,
                user_data,
                is_accepted: AtomicBool::new(false),
            })
        }))
    }

    /// Says that a handle with the functions is the caller's now. A call that fails has kept nothing, and tells nothing.
    pub fn accept(&self) {
        if let Some(hook) = &self.0 {
            hook.is_accepted.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        if *self.is_accepted.get_mut() {
            // SAFETY: the promise of `new`; a hook is dropped once.
            last_error::keep(|| guard::end(|| unsafe { (self.function)(self.user_data) }));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::{CStr, c_void};
    use std::ptr;
    use std::sync::Mutex;
    use std::time::Duration;

    use super::Release;
    use crate::memory::{handle, new_handle, release_handle};
    use crate::{Failure, Observer, guard, last_error};

    /// What happened, in its order.
    #[derive(Default)]
    struct Story(Mutex<Vec<&'static str>>);

    impl Story {
        fn note(&self, what: &'static str) {
            self.0.lock().expect("no test panics here").push(what);
        }

        fn told(&self) -> Vec<&'static str> {
            self.0.lock().expect("no test panics here").clone()
        }

        fn release(&self) -> Release {
            // SAFETY: the story outlives what is made in a test, and may be used from any thread.
            unsafe { Release::new(Some(released), ptr::from_ref(self).cast_mut().cast()) }
        }
    }

    unsafe extern "C" fn released(user_data: *mut c_void) {
        // SAFETY: `release` put the story there.
        unsafe { &*user_data.cast::<Story>() }.note("released");
        // What it calls leaves no message for whoever called.
        last_error::record::<i32>(Err(Failure::new(5, "of the release")));
    }

    struct Kept<'a> {
        story: &'a Story,
        _release: Release,
    }

    impl Observer<i32> for Kept<'_> {
        fn is_observed(&self) -> bool {
            true
        }

        fn observe(&self, _: &'static CStr, _: Duration, _: i32) {
            self.story.note("observed");
        }
    }

    fn kept<'a>(story: &'a Story, release: &Release) -> *mut Kept<'a> {
        release.accept();
        new_handle(Kept {
            story,
            _release: release.clone(),
        })
    }

    #[test]
    fn what_was_never_accepted_is_not_told() {
        let story = Story::default();
        drop(story.release());
        drop(story.release().clone());
        // SAFETY: nothing is called.
        let none = unsafe { Release::new(None, ptr::null_mut()) };
        none.accept();
        drop(none);
        assert!(story.told().is_empty());
    }

    #[test]
    fn it_is_told_once_when_the_last_of_all_is_gone() {
        let story = Story::default();
        let release = story.release();
        let (first, second) = (kept(&story, &release), kept(&story, &release));
        drop(release);
        // SAFETY: just made, and its only end.
        unsafe { release_handle(first) };
        assert!(story.told().is_empty());
        // SAFETY: as above.
        unsafe { release_handle(second) };
        assert_eq!(story.told(), ["released"]);
    }

    #[test]
    fn it_is_told_after_a_call_that_frees_its_handle_and_panics() {
        let story = Story::default();
        let pointer = kept(&story, &story.release());
        let status = {
            // SAFETY: just made.
            let used = unsafe { handle::<_, i32>(pointer, "kept") }.expect("a handle");
            guard::call::<i32>(c"test", Some(&*used), || {
                // SAFETY: its only end.
                unsafe { release_handle(pointer) };
                story.note("freed");
                panic!("on purpose")
            })
        };
        assert_eq!((status, story.told()), (7, vec!["freed", "observed", "released"]));
        let mut message = [0_u8; 16];
        // SAFETY: the buffer has that length.
        let length = unsafe { last_error::copy(message.as_mut_ptr().cast(), message.len()) };
        assert_eq!(message.get(..length), Some(&b"a fault"[..]));
    }
}
