//! One thread a process that syncs what was written, once a second.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Weak;
use std::time::{Duration, Instant};

use crate::platform::maintenance::Maintain;
use crate::platform::sync::spawn;
use crate::platform::sync::usual::{Condvar, Mutex};

const PERIOD: Duration = Duration::from_secs(1);

static WARDS: Mutex<Maintained> =
    Mutex::new(Maintained { running: false, hurried: false, list: Vec::new() });
/// Someone is in a wake_flusher.
static HURRY: Condvar = Condvar::new();
/// All wards were looked after once more.
static ROUND: Condvar = Condvar::new();

struct Maintained {
    running: bool,
    hurried: bool,
    list: Vec<Weak<dyn Maintain>>,
}

/// Has `ward` looked after until it is dropped. The thread starts with the first ward and ends with the last; it keeps
/// neither a ward nor the process alive. A system that gives no thread is asked again with the next ward.
pub(crate) fn maintain(ward: Weak<dyn Maintain>) {
    let mut wards = WARDS.lock();
    wards.list.push(ward);
    if !wards.running {
        wards.running = spawn("memokit", run);
    }
}

/// Has all wards looked after at once, and waits for it for as long as `patience` says.
pub(crate) fn wake_flusher(patience: Duration) {
    let mut wards = WARDS.lock();
    if !wards.running {
        return;
    }
    wards.hurried = true;
    HURRY.notify_one();
    if !patience.is_zero() {
        drop(ROUND.wait_until(wards, Instant::now() + patience));
    }
}

fn wait_for_the_next_round() {
    let mut wards = WARDS.lock();
    if !wards.hurried {
        (wards, _) = HURRY.wait_until(wards, Instant::now() + PERIOD);
    }
    wards.hurried = false;
}

fn run() {
    loop {
        wait_for_the_next_round();
        for ward in living() {
            if let Some(ward) = ward.upgrade() {
                let _ = catch_unwind(AssertUnwindSafe(|| ward.tick()));
            }
        }
        let mut wards = WARDS.lock();
        ROUND.notify_all();
        wards.list.retain(|ward| ward.strong_count() > 0);
        if wards.list.is_empty() {
            wards.running = false;
            return;
        }
    }
}

/// A copy, so that a tick may itself call [`maintain`].
fn living() -> Vec<Weak<dyn Maintain>> {
    WARDS.lock().list.clone()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use super::*;

    struct Bell(Mutex<mpsc::Sender<()>>);

    impl Maintain for Bell {
        fn tick(&self) {
            let _ = self.0.lock().send(());
            panic!("a ward's panic is its own");
        }
    }

    #[test]
    fn a_ward_is_looked_after_until_it_is_dropped() {
        let (sender, receiver) = mpsc::channel();
        let bell: Arc<dyn Maintain> = Arc::new(Bell(Mutex::new(sender)));
        maintain(Arc::downgrade(&bell));
        receiver.recv().unwrap();
        receiver.recv().unwrap();
        drop(bell);
        while receiver.recv().is_ok() {}
    }
}
