//! A progress bar on standard error, if that is a terminal.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const WIDTH: usize = 40;
const BETWEEN_FRAMES: Duration = Duration::from_millis(50);

pub(crate) struct Progress {
    total: usize,
    done: AtomicUsize,
    /// The time when the bar was last drawn. `None` if standard error is not a terminal.
    drawn: Option<Mutex<Instant>>,
}

impl Progress {
    pub(crate) fn new(total: usize) -> Self {
        let drawn = io::stderr().is_terminal().then(|| Mutex::new(Instant::now()));
        Self { total, done: AtomicUsize::new(0), drawn }
    }

    /// Counts one more finished file, and draws the bar if it is time to.
    pub(crate) fn step(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        // If another thread is drawing, this thread continues with its work.
        let Some(Ok(mut drawn)) = self.drawn.as_ref().map(Mutex::try_lock) else { return };
        if drawn.elapsed() < BETWEEN_FRAMES {
            return;
        }
        *drawn = Instant::now();
        let filled = WIDTH * done / self.total.max(1);
        let (full, rest) = ("=".repeat(filled), " ".repeat(WIDTH.saturating_sub(filled)));
        draw(&format!("\r[{full}{rest}] {done} of {} files", self.total));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            draw(&format!("\r{:1$}\r", "", WIDTH + 38));
        }
    }
}

/// Draws the text. Errors are ignored, because the work does not depend on the bar.
fn draw(text: &str) {
    let mut out = io::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
