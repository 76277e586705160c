//! The span of a computation, for the crate tracing. Without the feature `tracing` it is nothing.

#[cfg(feature = "tracing")]
use tracing::field::Empty;

/// The span of one computation. It is opened when the computation first runs, so that a value from elsewhere has none.
pub(crate) struct Span {
    #[cfg(feature = "tracing")]
    span: Option<tracing::Span>,
    /// How long the caller has waited for others before it computed, in nanoseconds.
    #[cfg(feature = "tracing")]
    waited: u64,
}

/// While it exists, spans and events of this thread are within the computation.
pub(crate) struct Entered {
    #[cfg(feature = "tracing")]
    _entered: Option<tracing::span::EnteredSpan>,
}

#[cfg(feature = "tracing")]
impl Span {
    pub(crate) fn new() -> Self {
        Self { span: None, waited: 0 }
    }

    pub(crate) fn add_wait(&mut self, nanos: u64) {
        self.waited = self.waited.saturating_add(nanos);
    }

    /// Enters the span, and opens it if this is the first time.
    pub(crate) fn enter(&mut self, function: &str, role: &'static str) -> Entered {
        let waited = self.waited / 1000;
        let span = self.span.get_or_insert_with(|| {
            tracing::debug_span!(
                target: "memokit",
                "compute",
                function,
                role,
                wait_us = waited,
                outcome = Empty,
            )
        });
        Entered { _entered: (!span.is_disabled()).then(|| span.clone().entered()) }
    }

    /// Says that the computation is for another end than it was opened for.
    pub(crate) fn change_role(&self, role: &'static str) {
        if let Some(span) = &self.span {
            span.record("role", role);
        }
    }

    /// Says how the computation has ended.
    pub(crate) fn end(&self, outcome: &'static str) {
        if let Some(span) = &self.span {
            span.record("outcome", outcome);
        }
    }
}

#[cfg(not(feature = "tracing"))]
#[expect(clippy::unused_self, reason = "they are nothing")]
impl Span {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Self {}
    }

    #[inline(always)]
    pub(crate) fn add_wait(&mut self, _: u64) {}

    #[inline(always)]
    pub(crate) fn enter(&mut self, _: &str, _: &'static str) -> Entered {
        Entered {}
    }

    #[inline(always)]
    pub(crate) fn change_role(&self, _: &'static str) {}

    #[inline(always)]
    pub(crate) fn end(&self, _: &'static str) {}
}
