//! Signals of the process, which are for other threads than ours.

/// While this exists, the thread that made it gets no signals that are sent to the process, nor do threads that it
/// starts. They still get those of their own faults: while these are blocked, the kernel ends the process without asking
/// the handler.
#[cfg(unix)]
pub(crate) struct BlockedSignals {
    /// The thread's mask before.
    before: libc::sigset_t,
    /// Drop has to happen in the same thread.
    _not_send: std::marker::PhantomData<*const ()>,
}

#[cfg(unix)]
impl BlockedSignals {
    pub(crate) fn begin() -> Self {
        const FAULTS: [libc::c_int; 6] =
            [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGABRT];
        let mut blocked = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        let mut before = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: `sigfillset` initializes `blocked`, and `pthread_sigmask` initializes `before`. They fail for wrong
        // arguments only, and these are none.
        unsafe {
            libc::sigfillset(blocked.as_mut_ptr());
            for fault in FAULTS {
                libc::sigdelset(blocked.as_mut_ptr(), fault);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, blocked.as_ptr(), before.as_mut_ptr());
            Self { before: before.assume_init(), _not_send: std::marker::PhantomData }
        }
    }
}

#[cfg(unix)]
impl Drop for BlockedSignals {
    fn drop(&mut self) {
        // SAFETY: the mask was this thread's own. It is only read.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, std::ptr::null_mut());
        }
    }
}

#[cfg(not(unix))]
pub(crate) struct BlockedSignals;

#[cfg(not(unix))]
impl BlockedSignals {
    pub(crate) fn begin() -> Self {
        Self
    }
}
