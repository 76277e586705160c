//! The signals that end the program.

use tokio::signal;

/// Returns at ctrl-c or SIGTERM.
pub(crate) async fn signalled() {
    #[cfg(unix)]
    let mut signals = signal::unix::signal(signal::unix::SignalKind::terminate()).expect("signals");
    #[cfg(unix)]
    let terminated = signals.recv();
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        _ = signal::ctrl_c() => {}
        _ = terminated => {}
    }
}
