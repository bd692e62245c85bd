//! The coordinator: who may work on a contact.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{Result, Timestamp};

/// The number of a lease. A later lease has a greater one; a write that carries a smaller one than the contact's last is refused.
///
/// ```
/// use everreach_core::swarm::FencingToken;
/// assert!(FencingToken::new(7) < FencingToken::new(8));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FencingToken(u64);

impl FencingToken {
    /// The token with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for FencingToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who wants to work on whom.
///
/// ```
/// use everreach_core::swarm::LeaseRequest;
/// let request = LeaseRequest::new("contact-7", "dm-1a2b3c4d");
/// assert_eq!(request.agent_id, "dm-1a2b3c4d");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeaseRequest {
    /// The contact, as the CRM calls it.
    pub contact_id: String,
    /// The agent, `{type}-{8 hex}`.
    pub agent_id: String,
}

impl LeaseRequest {
    /// This agent wants to work on this contact.
    #[must_use]
    pub fn new(contact_id: impl Into<String>, agent_id: impl Into<String>) -> Self {
        Self { contact_id: contact_id.into(), agent_id: agent_id.into() }
    }
}

/// The right to work on a contact for a while.
///
/// A holder stops by itself [`ContactLease::lasts`] after it *asked* for the lease or its renewal, on its own monotonic clock. Before an
/// outward step it makes sure that what is left is longer than the step may take: no platform checks the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ContactLease {
    /// The contact.
    pub contact_id: String,
    /// The agent that holds it.
    pub agent_id: String,
    /// Goes with every write about the contact.
    pub token: FencingToken,
    /// How long it was granted for.
    pub lasts: Duration,
    /// When it ends by the coordinator's wall clock, for people and tables.
    pub expires_at: Timestamp,
}

impl ContactLease {
    /// A lease as a coordinator grants it.
    ///
    /// ```
    /// use everreach_core::swarm::{ContactLease, FencingToken, LeaseRequest};
    /// use std::time::Duration;
    /// let request = LeaseRequest::new("contact-7", "dm-1a2b3c4d");
    /// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    /// let lease = ContactLease::new(&request, FencingToken::new(1), Duration::from_secs(60), now);
    /// assert_eq!(lease.expires_at.to_rfc3339(), "2026-11-20T12:01:00+00:00");
    /// ```
    #[must_use]
    pub fn new(request: &LeaseRequest, token: FencingToken, lasts: Duration, now: Timestamp) -> Self {
        let (contact_id, agent_id) = (request.contact_id.clone(), request.agent_id.clone());
        Self { contact_id, agent_id, token, lasts, expires_at: now + lasts }
    }
}

/// Leases contacts to agents, so that two agents never message one person at once.
///
/// # Law
/// - A contact has at most one lease in force, under any concurrency. While there is one, [`SwarmCoordinator::acquire`] is refused to
///   everybody, the holder included (it renews instead). A lease covers all kinds of work on the contact.
/// - A lease is in force from the moment it is granted until it is released or `lasts` has passed since it was granted or last renewed.
/// - Fencing tokens strictly increase: each lease of a contact has a greater one than all its leases before, across releases and lapses,
///   and across restarts wherever something that outlives the process compares them. A renewal keeps its token.
/// - [`SwarmCoordinator::renew`] and [`SwarmCoordinator::release`] act on the lease in force with that very token and are refused for any
///   other; a refused one changes nothing, least of all the lease of whoever came after.
/// - When the coordinator cannot be asked, nothing was renewed: the holder goes on until its own time is up, and stops then.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait SwarmCoordinator: Send + Sync + 'static {
    /// Leases the contact to the agent, unless it is leased.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) when the contact is leased, with what is left of that lease in
    /// [`Retry::Later`](crate::Retry::Later); [`InvalidInput`](crate::ErrorKind::InvalidInput) for an empty id; or the store's.
    async fn acquire(&self, request: LeaseRequest) -> Result<ContactLease>;

    /// Prolongs the lease: it lasts its whole time again, counted from now.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) when it is not in force any more (lapsed, released, or somebody else's): stop
    /// working on the contact; or the store's.
    async fn renew(&self, lease: &ContactLease) -> Result<ContactLease>;

    /// Ends the lease before its time.
    ///
    /// # Errors
    /// As [`SwarmCoordinator::renew`].
    async fn release(&self, lease: &ContactLease) -> Result<()>;

    /// The lease in force, if there is one. A moment later it may be another: a write compares tokens in its own transaction.
    ///
    /// # Errors
    /// The store's.
    async fn current(&self, contact_id: &str) -> Result<Option<ContactLease>>;
}

const _OBJECT_SAFE: Option<&dyn SwarmCoordinator> = None;
