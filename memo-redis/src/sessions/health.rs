//! Why the store cannot be used, if it cannot.

use std::sync::{Mutex, PoisonError};

use memo_core::remote::StoreError;

use crate::error;

pub(crate) struct Health(Mutex<Result<(), StoreError>>);

impl Health {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Err(error::disconnected("it is not connected yet"))))
    }

    pub(crate) fn set(&self, health: Result<(), StoreError>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = health;
    }

    pub(crate) fn get(&self) -> Result<(), StoreError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
