//! How a function stands in the list of a library: how its arguments are chosen, the call, and what is done with what it
//! hands out. A name is written once, so that none can stand beside another function.

/// Ends a handle of one kind: this thread's own, null, or a misaligned one.
macro_rules! free {
    ($name:ident, $handles:ident) => {
        (stringify!($name), |caller, session| {
            let handle = match caller.choices.below(4) {
                0 => session.$handles.take().unwrap_or_default(),
                1 => ptr::null_mut(),
                _ => caller.handle(&session.$handles).map_addr(|address| address | 1),
            };
            // SAFETY: null, misaligned, or a handle that nobody else uses.
            caller.done(stringify!($name), || unsafe { $name(handle) });
        })
    };
}

/// A function that hands out nothing: how its arguments are chosen, and the call.
macro_rules! function {
    ($name:ident, |$caller:ident, $session:ident| $arguments:expr, |$given:pat_param| $call:expr) => {
        (stringify!($name), |$caller, $session| {
            let _ = &$session; // not every function takes a handle
            let $given = $arguments;
            // SAFETY: what is neither null nor misaligned is what its type says.
            $caller.call(stringify!($name), || unsafe { $call } as i32);
        })
    };
}

/// A function that hands out a handle.
macro_rules! maker {
    ($name:ident, $handles:ident, |$caller:ident, $session:ident| $arguments:expr, |$given:pat_param, $out:ident| $call:expr) => {
        (stringify!($name), |$caller, $session| {
            let _ = &$session; // not every function takes a handle
            let $given = $arguments;
            let $out = $caller.out();
            // SAFETY: what is neither null nor misaligned is what its type says.
            if $caller.call(stringify!($name), || unsafe { $call } as i32) {
                // SAFETY: the call was done.
                $session.$handles.keep(unsafe { $caller.result($out) });
            }
        })
    };
}

/// A function that hands out bytes.
macro_rules! giver {
    ($name:ident, |$caller:ident, $session:ident| $arguments:expr, |$given:pat_param, $out:ident, $length:ident| $call:expr) => {
        (stringify!($name), |$caller, $session| {
            let _ = &$session; // not every function takes a handle
            let $given = $arguments;
            let ($out, $length) = ($caller.out(), $caller.out());
            // SAFETY: what is neither null nor misaligned is what its type says.
            if $caller.call(stringify!($name), || unsafe { $call } as i32) {
                // SAFETY: the call was done.
                let (bytes, length) = unsafe { ($caller.result($out), $caller.result($length)) };
                $session.keep($caller, bytes, length);
            }
        })
    };
}
