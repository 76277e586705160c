//! What is freed later.

/// What a view does not need any more. To free it takes time if it is large: to close the last handle of a file that
/// was removed frees its blocks. So callers leave it to the background thread.
#[derive(Default)]
pub(crate) struct Retired(Vec<Box<dyn Send>>);

impl Retired {
    pub(crate) fn add(&mut self, unused: impl Send + 'static) {
        self.0.push(Box::new(unused));
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
