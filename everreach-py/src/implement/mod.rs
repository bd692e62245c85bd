//! The core's traits, implemented in Python.

use std::sync::Arc;

use crate::bridge::callback::Callback;

pub(crate) mod classifier;
pub(crate) mod cost_guard;
pub(crate) mod executor;
pub(crate) mod registry;
pub(crate) mod safari_dispatcher;

/// An implementation, and the functions of the user's that it calls.
pub(crate) struct Implemented<T: ?Sized> {
    pub(crate) by: Arc<T>,
    pub(crate) callbacks: Vec<Callback>,
}

impl<T: ?Sized> Implemented<T> {
    /// The implementation; its functions are kept with the others.
    pub(crate) fn keep(self, callbacks: &mut Vec<Callback>) -> Arc<T> {
        callbacks.extend(self.callbacks);
        self.by
    }
}
