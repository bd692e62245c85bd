//! The executor: runs one call on one side and says honestly what became of it.

use std::time::Duration;

use async_trait::async_trait;
use http::Extensions;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ledger::ForwardedClaim;
use crate::{ActionName, Effect, Error, Id, Outcome, Result};

/// The parameters of a call: a JSON object.
pub type Params = Map<String, Value>;

/// One try of one action, as an executor sees it.
///
/// ```
/// use everreach_core::routing::{Call, Params};
/// use everreach_core::Effect;
/// let call = Call::new("dm.stats".parse().expect("a name"), Params::new()).with_effect(Effect::Read);
/// assert_eq!(call.hops, 0);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Call {
    /// What to run.
    pub action: ActionName,
    /// With what.
    pub params: Params,
    /// What running it does. Until somebody says otherwise it reaches the outside world.
    pub effect: Effect,
    /// The key under which this call happens at most once.
    pub idempotency_key: Option<String>,
    /// The id that logs and events carry.
    pub request_id: Id,
    /// How long this one try may take.
    pub timeout: Duration,
    /// How many EverReach processes the call has passed through.
    pub hops: u32,
    /// The claim that goes along when the call is forwarded to another EverReach, which may use the same journal.
    pub forwarded: Option<ForwardedClaim>,
    /// Values of the embedder's own that its executor finds here again. They never leave this process.
    pub extensions: Extensions,
}

impl Call {
    /// A call with a fresh request id, outward until [`Call::with_effect`] says otherwise, 30 s at most.
    #[must_use]
    pub fn new(action: ActionName, params: Params) -> Self {
        Self {
            action,
            params,
            effect: Effect::Outward,
            idempotency_key: None,
            request_id: Id::new(),
            timeout: Duration::from_secs(30),
            hops: 0,
            forwarded: None,
            extensions: Extensions::new(),
        }
    }

    /// States what running it does.
    #[must_use]
    pub fn with_effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    /// Gives it a key.
    #[must_use]
    pub fn with_idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Limits the try.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

/// What became of one try.
///
/// ```
/// use everreach_core::{Error, ErrorKind, Outcome};
/// use everreach_core::routing::Execution;
/// let refused = Execution::failed(Outcome::NotExecuted, Error::new(ErrorKind::Unreachable, "connection refused"));
/// assert!(refused.result.is_err());
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Execution {
    /// Whether it ran.
    pub outcome: Outcome,
    /// What it returned, or why it failed. The error's [`Retry`](crate::Retry) status says whether and when a repeat can help.
    pub result: Result<Value>,
    /// The nearest names, when the action is unknown.
    pub suggestions: Vec<String>,
    /// The request that a journal speaks of, in an answer of [`Executor::recall`].
    pub request_id: Option<Id>,
}

impl Execution {
    /// It ran and returned this.
    #[must_use]
    pub const fn done(result: Value) -> Self {
        Self { outcome: Outcome::Executed, result: Ok(result), suggestions: Vec::new(), request_id: None }
    }

    /// It failed, and this is known about whether it ran.
    #[must_use]
    pub const fn failed(outcome: Outcome, error: Error) -> Self {
        Self { outcome, result: Err(error), suggestions: Vec::new(), request_id: None }
    }

    /// Says which request it is about.
    #[must_use]
    pub const fn with_request_id(mut self, request_id: Id) -> Self {
        self.request_id = Some(request_id);
        self
    }

    /// Adds the nearest names.
    #[must_use]
    pub fn with_suggestions(mut self, suggestions: Vec<String>) -> Self {
        self.suggestions = suggestions;
        self
    }
}

/// One action that an executor offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ServiceListing {
    /// Its name.
    pub action: ActionName,
    /// What it does, in a few words.
    pub description: String,
}

impl ServiceListing {
    /// An action and what it does.
    #[must_use]
    pub fn new(action: ActionName, description: impl Into<String>) -> Self {
        Self { action, description: description.into() }
    }
}

/// Runs calls on one side.
///
/// # Law
/// - [`Executor::execute`] is one try: it never repeats by itself, and never runs the action elsewhere.
/// - The outcome is honest. `NotExecuted` only when it provably did not run; `Executed` only when an answer said so; everything
///   else, a timeout or a broken connection after the first byte left included, is `Unknown`.
/// - It returns within [`Call::timeout`], give or take a scheduling delay. Dropping its future abandons the try: the outcome is
///   then unknown.
/// - An action it does not know is `NotExecuted` with [`ErrorKind::UnknownAction`](crate::ErrorKind::UnknownAction).
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Executor: Send + Sync + 'static {
    /// Runs the call once.
    async fn execute(&self, call: &Call) -> Execution;

    /// The actions on offer, as far as they are known.
    ///
    /// # Errors
    /// When a remote side cannot be asked.
    async fn services(&self) -> Result<Vec<ServiceListing>> {
        Ok(Vec::new())
    }

    /// Whether it might run this action: `false` only where it certainly would not know it.
    fn knows(&self, _action: &ActionName) -> bool {
        true
    }

    /// What this side's own journal says became of an earlier call with this key. `None` when it keeps no journal or does not
    /// know the key, which proves nothing: the call may still be on its way there.
    ///
    /// # Errors
    /// When a remote side cannot be asked.
    async fn recall(&self, _idempotency_key: &str) -> Result<Option<Execution>> {
        Ok(None)
    }
}

const _OBJECT_SAFE: Option<&dyn Executor> = None;
