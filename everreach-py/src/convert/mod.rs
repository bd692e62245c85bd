//! Values of one side as values of the other, one file per concept.

pub(crate) mod dispatchable;
pub(crate) mod envelope;
pub(crate) mod errors;
pub(crate) mod json;
pub(crate) mod money;
pub(crate) mod outcome;
pub(crate) mod reservation;
pub(crate) mod settings;
