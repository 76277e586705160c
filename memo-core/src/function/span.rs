//! The span of a computation, for the crate tracing. Without the feature `tracing` it is nothing.

#[cfg(feature = "tracing")]
use tracing::field::Empty;

#[cfg(feature = "tracing")]
use crate::function::events::Events;

/// The span of one computation. It is opened when the computation first runs, so that a value from elsewhere has none.
/// Boxed, because a computation is moved often and nobody may listen.
pub(crate) struct Span {
    #[cfg(feature = "tracing")]
    opened: Option<Box<Opened>>,
}

#[cfg(feature = "tracing")]
#[derive(Default)]
struct Opened {
    span: Option<tracing::Span>,
    /// How long the caller has waited for others before it computed, in nanoseconds.
    waited: u64,
}

/// While it exists, spans and events of this thread are within the computation.
pub(crate) struct Entered {
    #[cfg(feature = "tracing")]
    _entered: Box<tracing::span::EnteredSpan>,
}

#[cfg(feature = "tracing")]
impl Span {
    pub(crate) fn new() -> Self {
        Self { opened: None }
    }

    pub(crate) fn add_wait(&mut self, nanos: u64) {
        if Events::are_heard() {
            let opened = self.opened.get_or_insert_default();
            opened.waited = opened.waited.saturating_add(nanos);
        }
    }

    /// Enters the span, and opens it if this is the first time. Returns `None` if nobody listens.
    pub(crate) fn enter(&mut self, function: &str, role: &'static str) -> Option<Entered> {
        if self.opened.is_none() && !Events::are_heard() {
            return None;
        }
        let Opened { span, waited } = &mut **self.opened.get_or_insert_default();
        let span = span.get_or_insert_with(|| {
            tracing::debug_span!(
                target: "memokit",
                "compute",
                function,
                role,
                wait_us = *waited / 1000,
                outcome = Empty,
            )
        });
        Some(Entered { _entered: Box::new(span.clone().entered()) })
    }

    /// Says that the computation is for another end than it was opened for.
    pub(crate) fn change_role(&self, role: &'static str) {
        self.record("role", role);
    }

    /// Says how the computation has ended.
    pub(crate) fn end(&self, outcome: &'static str) {
        self.record("outcome", outcome);
    }

    fn record(&self, field: &'static str, value: &'static str) {
        if let Some(span) = self.opened.as_ref().and_then(|opened| opened.span.as_ref()) {
            span.record(field, value);
        }
    }
}

#[cfg(not(feature = "tracing"))]
impl Span {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Self {}
    }

    #[inline(always)]
    pub(crate) fn add_wait(&mut self, _: u64) {}

    #[inline(always)]
    pub(crate) fn enter(&mut self, _: &str, _: &'static str) -> Option<Entered> {
        None
    }

    #[inline(always)]
    pub(crate) fn change_role(&self, _: &'static str) {}

    #[inline(always)]
    pub(crate) fn end(&self, _: &'static str) {}
}
