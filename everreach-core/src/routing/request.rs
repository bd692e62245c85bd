//! What a caller asks of `route`.

use std::time::Duration;

use http::Extensions;

use super::Params;
use crate::ledger::ForwardedClaim;
use crate::{ActionName, Id, Side};

/// A call to route: an action, its parameters, and what the caller insists on.
///
/// ```
/// use everreach_core::routing::{Params, RouteRequest};
/// use everreach_core::Side;
/// let request = RouteRequest::new("dm.stats".parse().expect("a name"), Params::new()).forced_to(Side::Local);
/// assert_eq!(request.force_env, Some(Side::Local));
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RouteRequest {
    /// What to run.
    pub action: ActionName,
    /// With what.
    pub params: Params,
    /// The side the caller insists on. It changes neither the caps nor the stop switch.
    pub force_env: Option<Side>,
    /// The key under which the call happens at most once.
    pub idempotency_key: Option<String>,
    /// How long the call may take in all.
    pub timeout: Option<Duration>,
    /// How many EverReach processes the call has passed through.
    pub hops: u32,
    /// The claim that came along, when another EverReach forwarded the call.
    pub forwarded: Option<ForwardedClaim>,
    /// The id that logs and events carry.
    pub request_id: Id,
    /// Values of the embedder's own for its executors: a trace, a tenant, a language's call context. They never leave this process.
    pub extensions: Extensions,
}

impl RouteRequest {
    /// A call without wishes.
    #[must_use]
    pub fn new(action: ActionName, params: Params) -> Self {
        Self {
            action,
            params,
            force_env: None,
            idempotency_key: None,
            timeout: None,
            hops: 0,
            forwarded: None,
            request_id: Id::new(),
            extensions: Extensions::new(),
        }
    }

    /// Insists on a side.
    #[must_use]
    pub const fn forced_to(mut self, side: Side) -> Self {
        self.force_env = Some(side);
        self
    }

    /// Gives the call a key of the caller's own.
    #[must_use]
    pub fn with_idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Limits the whole call.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Says how many EverReach processes it has passed through.
    #[must_use]
    pub const fn with_hops(mut self, hops: u32) -> Self {
        self.hops = hops;
        self
    }

    /// Adds the claim that came along, if one did: where it holds the call's row in this journal, the row is taken over from it.
    #[must_use]
    pub const fn with_forwarded(mut self, forwarded: Option<ForwardedClaim>) -> Self {
        self.forwarded = forwarded;
        self
    }

    /// Lets a value travel with the call to its executor; a second one of the same type replaces the first.
    ///
    /// ```
    /// use everreach_core::routing::{Params, RouteRequest};
    /// #[derive(Clone)]
    /// struct Tenant(&'static str);
    /// let request = RouteRequest::new("dm.stats".parse().expect("a name"), Params::new()).with_extension(Tenant("north"));
    /// assert_eq!(request.extensions.get::<Tenant>().map(|tenant| tenant.0), Some("north"));
    /// ```
    #[must_use]
    pub fn with_extension<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        let _former = self.extensions.insert(value);
        self
    }

    /// Uses a request id that exists already.
    #[must_use]
    pub const fn with_request_id(mut self, request_id: Id) -> Self {
        self.request_id = request_id;
        self
    }
}
