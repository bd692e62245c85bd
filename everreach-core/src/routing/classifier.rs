//! The classifier: where an action belongs when nothing else decides.

use serde::{Deserialize, Serialize};

use crate::ActionName;

/// What kind of work an action is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ActionClass {
    /// Generation, evaluation, embedding: best on this machine.
    Compute,
    /// Calls to other services: best in the cloud.
    Api,
}

impl ActionClass {
    /// The word for it in tables and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Compute => "compute",
            Self::Api => "api",
        }
    }
}

/// A class and the reason for it.
///
/// ```
/// use everreach_core::routing::{ActionClass, Classification};
/// assert_eq!(Classification::new(ActionClass::Api, "row dm.send").class, ActionClass::Api);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Classification {
    /// The class.
    pub class: ActionClass,
    /// Which rule gave it, for people.
    pub reason: String,
}

impl Classification {
    /// A class and the reason for it.
    #[must_use]
    pub fn new(class: ActionClass, reason: impl Into<String>) -> Self {
        Self { class, reason: reason.into() }
    }
}

/// Says what kind of work an action is.
///
/// # Law
/// Every well-formed name has a class; the same name gives the same class until the rules change; it answers at once, without I/O.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Classifier: Send + Sync + 'static {
    /// The action's class and why.
    fn classify(&self, action: &ActionName) -> Classification;
}

const _OBJECT_SAFE: Option<&dyn Classifier> = None;
