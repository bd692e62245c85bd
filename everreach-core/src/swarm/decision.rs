//! The decisions about leases, as functions of what is held and of now.

use std::time::Duration;

use super::{ContactLease, FencingToken, LeaseRequest};
use crate::{Error, ErrorKind, Result, Retry};

/// A lease as it is kept, with its end on the monotonic clock.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) lease: ContactLease,
    pub(super) until: Duration,
}

impl Held {
    pub(super) fn is_in_force(&self, now: Duration) -> bool {
        now < self.until
    }
}

/// Whether somebody may have the contact now.
pub(super) fn admit(request: &LeaseRequest, held: Option<&Held>, now: Duration) -> Result<()> {
    for (name, id) in [("contact_id", &request.contact_id), ("agent_id", &request.agent_id)] {
        if id.trim().is_empty() {
            return Err(Error::new(ErrorKind::InvalidInput, "a lease needs a contact and an agent; an id is empty")
                .with_operation("acquire a contact")
                .with("empty", name));
        }
    }
    match held.filter(|held| held.is_in_force(now)) {
        None => Ok(()),
        Some(held) => {
            Err(Error::new(ErrorKind::Conflict, "the contact is leased to an agent already; try when the lease is over")
                .with_operation("acquire a contact")
                .with("contact", &request.contact_id)
                .with("holder", &held.lease.agent_id)
                .with("until", held.lease.expires_at.to_rfc3339())
                .with_retry(Retry::Later(held.until.saturating_sub(now))))
        }
    }
}

/// What is kept of the contact, if this token's lease is the one in force.
pub(super) fn in_force<'a>(
    lease: &ContactLease,
    held: Option<&'a mut Held>,
    now: Duration,
    operation: &'static str,
) -> Result<&'a mut Held> {
    let newest: Option<FencingToken> = held.as_deref().map(|held| held.lease.token);
    held.filter(|held| held.is_in_force(now) && held.lease.token == lease.token).ok_or_else(|| {
        let error = Error::new(ErrorKind::Conflict, "the lease is not in force any more; stop working on the contact")
            .with_operation(operation)
            .with("contact", &lease.contact_id)
            .with("token", lease.token);
        match newest.filter(|newest| *newest != lease.token) {
            Some(newest) => error.with("newest token", newest),
            None => error,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn held(token: u64, until: Duration) -> Held {
        let now = "2026-11-20T12:00:00Z".parse().expect("a time");
        Held { lease: ContactLease::new(&request(), FencingToken::new(token), MINUTE, now), until }
    }

    fn request() -> LeaseRequest {
        LeaseRequest::new("contact-7", "dm-1a2b3c4d")
    }

    #[test]
    fn a_contact_is_free_from_the_very_end_of_its_lease() {
        let held = held(1, MINUTE);
        let before = MINUTE - Duration::from_nanos(1);
        let refusal = admit(&request(), Some(&held), before).expect_err("it is leased");
        assert_eq!((refusal.kind(), refusal.retry()), (ErrorKind::Conflict, Retry::Later(Duration::from_nanos(1))));
        admit(&request(), Some(&held), MINUTE).expect("it is free");
        admit(&request(), None, Duration::ZERO).expect("nobody has it");
    }

    #[test]
    fn only_the_token_in_force_counts() {
        let mut kept = held(2, MINUTE);
        let stale = held(1, MINUTE).lease;
        let refusal = in_force(&stale, Some(&mut kept), Duration::ZERO, "renew a lease").expect_err("it is stale");
        assert!(refusal.to_string().contains("newest token: 2"), "{refusal}");
        let own = kept.lease.clone();
        in_force(&own, Some(&mut kept), Duration::ZERO, "renew a lease").expect("it is the one");
        in_force(&own, Some(&mut kept), MINUTE, "renew a lease").expect_err("it has lapsed");
        in_force(&own, None, Duration::ZERO, "renew a lease").expect_err("it was released");
    }
}
