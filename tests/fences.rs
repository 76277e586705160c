//! A process that gives up the right to `membarrier` after its first call, as sandboxes make it do. It is a test
//! program of its own, because the right cannot be regained.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

#[path = "it/counted.rs"]
mod counted;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use counted::Counted;
use memokit::memoize;

static EXISTING: AtomicU32 = AtomicU32::new(0);

#[memoize(max = 1000)]
fn counted(n: u32) -> Counted {
    let _ = n;
    Counted::new(&EXISTING)
}

/// Makes `membarrier` fail with `EPERM` in this thread, and in threads that it starts.
fn refuse_membarrier() {
    const LOAD: u16 = 0x20;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    let step = |code, k, jt| libc::sock_filter {
        code,
        jt,
        jf: u8::from(code == JUMP_IF_EQUAL && jt == 0),
        k,
    };
    let number = u32::try_from(libc::SYS_membarrier).unwrap();
    let refused = libc::SECCOMP_RET_ERRNO | u32::try_from(libc::EPERM).unwrap();
    // The number of the system call is the first field of what a filter sees.
    let mut filter = [
        step(LOAD, 0, 0),
        step(JUMP_IF_EQUAL, number, 0),
        step(RETURN, refused, 0),
        step(RETURN, libc::SECCOMP_RET_ALLOW, 0),
    ];
    let program = libc::sock_fprog { len: 4, filter: filter.as_mut_ptr() };
    // SAFETY: both calls change only what this thread may do; the program is valid during the second.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &program), 0);
        assert_eq!(libc::syscall(libc::SYS_membarrier, 0, 0, 0), -1, "membarrier is refused");
    }
}

#[test]
fn evicted_values_are_freed_after_membarrier_is_refused() {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while !stop.load(Relaxed) {
                drop(counted(1));
            }
        });
        (0..3000).for_each(|n| drop(counted(n)));
        let before = EXISTING.load(Relaxed);
        assert!(before < 2000, "{before} values exist, of 1000 in the cache");
        refuse_membarrier();
        // Some readers may be without a fence, so for a short time nothing is freed.
        (3000..4000).for_each(|n| drop(counted(n)));
        thread::sleep(Duration::from_millis(150));
        (4000..20_000).for_each(|n| drop(counted(n)));
        let after = EXISTING.load(Relaxed);
        stop.store(true, Relaxed);
        reader.join().unwrap();
        assert!(after < 2000, "{after} values exist, of 1000 in the cache");
    });
}
