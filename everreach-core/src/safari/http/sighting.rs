//! What is known of who answers at a service's address. Pure; the asking is [`Presence`](super::presence::Presence)'s.

use std::time::Duration;

use crate::safari::{HealthStatus, Reason, ServiceHealth};

/// Whether a question may have reached anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    Nobody,
    Somebody,
}

/// What one look at a service found.
#[derive(Debug, Clone)]
pub(super) struct Look {
    pub(super) health: ServiceHealth,
    /// Why nothing can be sent to it; none when it is the one that was meant.
    pub(super) refusal: Option<Reason>,
    /// Whether the question may have reached anybody.
    pub(super) reach: Reach,
    /// When, on the monotonic clock.
    pub(super) at: Duration,
}

/// What was last seen of one service.
#[derive(Debug, Default)]
pub(super) struct Sighting {
    last: Option<Look>,
    is_identified: bool,
}

/// What is to be done before something is sent.
#[derive(Debug)]
pub(super) enum Standing {
    /// It is the one that was meant.
    Identified,
    /// It has to be asked.
    Unknown,
    /// It was asked a moment ago, and was not the one or did not answer.
    Refused(Look),
    /// It is in doubt and may not be asked again yet.
    TooSoon(Duration),
}

impl Sighting {
    /// The last look, while it is too young for another.
    pub(super) fn fresh(&self, interval: Duration, now: Duration) -> Option<&Look> {
        self.last.as_ref().filter(|look| now < look.at + interval)
    }

    pub(super) fn standing(&self, interval: Duration, now: Duration) -> Standing {
        match self.fresh(interval, now) {
            _ if self.is_identified => Standing::Identified,
            None => Standing::Unknown,
            Some(look) if look.refusal.is_some() => Standing::Refused(look.clone()),
            Some(look) => Standing::TooSoon(look.at + interval - now),
        }
    }

    /// Keeps what a look found. A service that is too busy to answer has not become another one.
    pub(super) fn note(&mut self, look: Look) {
        match look.health.status {
            HealthStatus::Healthy => self.is_identified = true,
            HealthStatus::Timeout => {}
            _ => self.is_identified = false,
        }
        // A question that reached nobody cost nobody anything and may be repeated at once.
        self.last = Some(look).filter(|look| look.reach == Reach::Somebody);
    }

    /// Nobody listens there: whoever does so next is a stranger, and has not been asked yet.
    pub(super) fn was_refused(&mut self) {
        *self = Self::default();
    }

    /// A connection broke: another process may have taken the place since.
    pub(super) fn broke(&mut self) {
        self.is_identified = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::safari::Service;

    const MINUTE: Duration = Duration::from_secs(60);

    fn look(status: HealthStatus, refusal: Option<Reason>, seconds: u64) -> Look {
        let now = "2026-11-20T12:00:00Z".parse().expect("a time");
        Look {
            health: ServiceHealth::new(Service::InstagramDm, status, "x", now),
            refusal,
            reach: if refusal == Some(Reason::ServiceUnreachable) && status == HealthStatus::Down {
                Reach::Nobody
            } else {
                Reach::Somebody
            },
            at: Duration::from_secs(seconds),
        }
    }

    fn seen(status: HealthStatus, refusal: Option<Reason>) -> Sighting {
        let mut sighting = Sighting::default();
        sighting.note(look(status, refusal, 10));
        sighting
    }

    #[test]
    fn a_service_that_was_seen_stays_identified_however_long_ago() {
        let sighting = seen(HealthStatus::Healthy, None);
        assert!(matches!(sighting.standing(MINUTE, Duration::from_secs(99_999)), Standing::Identified));
        assert!(
            sighting.fresh(MINUTE, Duration::from_secs(69)).is_some()
                && sighting.fresh(MINUTE, Duration::from_secs(70)).is_none()
        );
    }

    #[test]
    fn after_a_broken_connection_it_is_asked_again_but_not_too_soon() {
        let mut sighting = seen(HealthStatus::Healthy, None);
        sighting.broke();
        let Standing::TooSoon(wait) = sighting.standing(MINUTE, Duration::from_secs(40)) else { panic!("too soon") };
        assert_eq!(wait, Duration::from_secs(30));
        assert!(matches!(sighting.standing(MINUTE, Duration::from_secs(70)), Standing::Unknown));
    }

    #[test]
    fn after_a_refused_connection_it_is_asked_at_once() {
        let mut sighting = seen(HealthStatus::Healthy, None);
        sighting.was_refused();
        assert!(matches!(sighting.standing(MINUTE, Duration::from_secs(11)), Standing::Unknown));
        let sighting = seen(HealthStatus::Down, Some(Reason::ServiceUnreachable));
        assert!(matches!(sighting.standing(MINUTE, Duration::from_secs(11)), Standing::Unknown));
    }

    #[test]
    fn a_stranger_is_remembered_until_the_next_look_and_takes_the_identity_away() {
        let mut sighting = seen(HealthStatus::Healthy, None);
        sighting.note(look(HealthStatus::Down, Some(Reason::WrongService), 20));
        assert!(matches!(sighting.standing(MINUTE, Duration::from_secs(30)), Standing::Refused(_)));
        assert!(matches!(sighting.standing(MINUTE, Duration::from_secs(80)), Standing::Unknown));
    }

    #[test]
    fn a_busy_service_keeps_its_identity_and_is_not_asked_again_too_soon() {
        let mut sighting = seen(HealthStatus::Healthy, None);
        sighting.note(look(HealthStatus::Timeout, Some(Reason::ServiceUnreachable), 20));
        assert!(matches!(sighting.standing(MINUTE, Duration::from_secs(30)), Standing::Identified));
        assert!(sighting.fresh(MINUTE, Duration::from_secs(30)).is_some());
    }
}
