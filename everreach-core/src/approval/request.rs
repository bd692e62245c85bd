//! What a person is asked, and what came of it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{ActionName, Error, ErrorKind, Id, Result, Timestamp};

/// Where an approval stands.
///
/// ```
/// use everreach_core::approval::ApprovalState;
/// assert_eq!("pending".parse::<ApprovalState>().expect("a word"), ApprovalState::Pending);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ApprovalState {
    /// Nobody has decided.
    Pending,
    /// A person agreed; not used yet.
    Approved,
    /// A person refused.
    Denied,
    /// It lapsed, which counts as refused.
    Expired,
    /// A person agreed and the request has used it.
    Consumed,
}

impl ApprovalState {
    const ALL: [Self; 5] = [Self::Pending, Self::Approved, Self::Denied, Self::Expired, Self::Consumed];

    /// The word for it in tables and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Consumed => "consumed",
        }
    }
}

impl fmt::Display for ApprovalState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ApprovalState {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "an approval is pending, approved, denied, expired or consumed")
                .with("seen", text)
        })
    }
}

/// A question for a person.
///
/// ```
/// use everreach_core::approval::ApprovalRequest;
/// let request = ApprovalRequest::call("dm.bulk_send".parse().expect("a name"), serde_json::Map::new(), "order-1", "0f0f");
/// assert_eq!(request.kind, "call");
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ApprovalRequest {
    /// What sort of thing asks: `call` for a routed action.
    pub kind: Cow<'static, str>,
    /// What is to run.
    pub action: ActionName,
    /// With what.
    pub params: Map<String, Value>,
    /// The key of the request.
    pub idempotency_key: String,
    /// The fingerprint of the request; an approval is good for no other.
    pub fingerprint: String,
}

impl ApprovalRequest {
    /// A routed action.
    #[must_use]
    pub fn call(
        action: ActionName,
        params: Map<String, Value>,
        idempotency_key: impl Into<String>,
        fingerprint: impl Into<String>,
    ) -> Self {
        Self {
            kind: Cow::Borrowed("call"),
            action,
            params,
            idempotency_key: idempotency_key.into(),
            fingerprint: fingerprint.into(),
        }
    }

    /// Something else that asks.
    #[must_use]
    pub fn with_kind(mut self, kind: impl Into<Cow<'static, str>>) -> Self {
        self.kind = kind.into();
        self
    }
}

/// A question and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Approval {
    /// Its id.
    pub id: Id,
    /// What sort of thing asks.
    pub kind: String,
    /// What is to run.
    pub action: ActionName,
    /// With what.
    pub params: Map<String, Value>,
    /// The key of the request.
    pub idempotency_key: String,
    /// The fingerprint it is bound to.
    #[serde(skip)]
    pub fingerprint: String,
    /// Where it stands.
    pub state: ApprovalState,
    /// When it was asked.
    pub requested_at: Timestamp,
    /// When it lapses: undecided, or approved and not used.
    pub expires_at: Timestamp,
    /// When a person decided.
    pub decided_at: Option<Timestamp>,
}

/// What a request finds when it wants to use its approval.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
#[non_exhaustive]
pub enum Consumption {
    /// A person agreed, and this request may run now, once.
    Approved(Approval),
    /// Nobody has decided yet.
    Pending(Approval),
    /// A person refused.
    Denied(Approval),
    /// It lapsed.
    Expired(Approval),
    /// Nobody was asked, or the answer has been used.
    None,
}
