//! Who answers at a service's address: looked at before the first send, and whenever that came into doubt.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::timeout;

use super::endpoint::{Endpoint, below};
use super::sighting::{Look, Reach, Sighting, Standing};
use super::transport::{Exchanged, Transport};
use crate::SharedClock;
use crate::safari::wire::ServiceRequest;
use crate::safari::{DispatchOutcome, HealthStatus, Reason, Repeat, ServiceHealth, judge_health};

/// How long the sibling may take: less than `/health` may, so that the answer about the service itself is never late for it.
const SIBLING_TIMEOUT: Duration = Duration::from_secs(1);

/// One service as it is seen from here.
#[derive(Debug)]
pub(super) struct Presence {
    pub(super) endpoint: Endpoint,
    transport: Transport,
    clock: SharedClock,
    sighting: Mutex<Sighting>,
    /// When the sibling was last asked, and whether it answered as this service.
    sibling: Mutex<Option<(Duration, bool)>>,
    /// Held while somebody asks, so that many ask once.
    asking: tokio::sync::Mutex<()>,
}

impl Presence {
    pub(super) fn new(endpoint: Endpoint, transport: Transport, clock: SharedClock) -> Self {
        Self {
            endpoint,
            transport,
            clock,
            sighting: Mutex::default(),
            sibling: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        }
    }

    /// How the service is. A look that is younger than the service's interval is told again, with its own time.
    pub(super) async fn health(&self) -> ServiceHealth {
        let profile = self.endpoint.profile;
        let asked = timeout(profile.health_timeout(), async {
            let _asking = self.asking.lock().await;
            let fresh = self.lock().fresh(profile.health_interval, self.clock.monotonic()).cloned();
            match fresh {
                Some(look) => look.health,
                None => self.look().await.health,
            }
        });
        asked.await.unwrap_or_else(|_| self.late().health)
    }

    /// Makes sure that something may be sent.
    ///
    /// # Errors
    /// The refusal, when it may not.
    pub(super) async fn identify(&self) -> Result<(), DispatchOutcome> {
        if self.standing_is_good() {
            return Ok(());
        }
        let _asking = self.asking.lock().await;
        let profile = self.endpoint.profile;
        let standing = self.lock().standing(profile.health_interval, self.clock.monotonic());
        let look = match standing {
            Standing::Identified => return Ok(()),
            Standing::Unknown => timeout(profile.health_timeout(), self.look()).await.unwrap_or_else(|_| self.late()),
            Standing::Refused(look) => look,
            Standing::TooSoon(wait) => {
                let what = format!(
                    "the connection to {} broke, and it may not be asked who it is for another {} s; nothing was sent",
                    profile.name,
                    wait.as_secs() + 1
                );
                return Err(DispatchOutcome::refused(Repeat::Free, Reason::ServiceUnavailable, what).with_retry_after(wait));
            }
        };
        match look.refusal {
            None => Ok(()),
            Some(reason) => {
                let what = format!("{} is not there, nothing was sent: {}", profile.name, look.health.detail);
                Err(DispatchOutcome::refused(Repeat::Counted, reason, what))
            }
        }
    }

    /// Makes one request, and remembers what it says of the service's presence.
    pub(super) async fn exchange(&self, request: &ServiceRequest) -> Exchanged {
        let exchanged = self.transport.send(&self.endpoint, request).await;
        match &exchanged {
            Exchanged::NotSent(_) => self.lock().was_refused(),
            Exchanged::Broken(_) => self.lock().broke(),
            Exchanged::Answered { .. } | Exchanged::TimedOut => {}
        }
        exchanged
    }

    fn standing_is_good(&self) -> bool {
        let interval = self.endpoint.profile.health_interval;
        matches!(self.lock().standing(interval, self.clock.monotonic()), Standing::Identified)
    }

    async fn look(&self) -> Look {
        let profile = self.endpoint.profile;
        let begun = self.clock.monotonic();
        let exchanged = self.transport.send(&self.endpoint, &ServiceRequest::health(profile.service)).await;
        let elapsed = self.clock.monotonic().saturating_sub(begun);
        let (status, mut detail, refusal) = match &exchanged {
            Exchanged::Answered { status, body, .. } => {
                let (health, detail) = judge_health(profile, *status, body);
                (health, detail, (health != HealthStatus::Healthy).then_some(Reason::WrongService))
            }
            Exchanged::NotSent(why) => (HealthStatus::Down, why.clone(), Some(Reason::ServiceUnreachable)),
            Exchanged::Broken(why) => (HealthStatus::Down, why.clone(), Some(Reason::ServiceUnreachable)),
            Exchanged::TimedOut => return self.late(),
        };
        if status == HealthStatus::Down {
            detail.push_str(&self.sibling_hint().await);
        }
        let health = ServiceHealth::new(profile.service, status, detail, self.clock.now()).at_port(self.endpoint.port());
        let is_answered = matches!(exchanged, Exchanged::Answered { .. });
        let health = if is_answered { health.after(elapsed) } else { health };
        let reach = if matches!(exchanged, Exchanged::NotSent(_)) { Reach::Nobody } else { Reach::Somebody };
        self.keep(Look { health, refusal, reach, at: self.clock.monotonic() })
    }

    /// What is noted when no answer came in time. The question did reach it, as far as anybody can tell.
    fn late(&self) -> Look {
        let profile = self.endpoint.profile;
        let detail = format!("/health did not answer within {} s", profile.health_timeout().as_secs());
        let health =
            ServiceHealth::new(profile.service, HealthStatus::Timeout, detail, self.clock.now()).at_port(self.endpoint.port());
        let refusal = Some(Reason::ServiceUnreachable);
        self.keep(Look { health, refusal, reach: Reach::Somebody, at: self.clock.monotonic() })
    }

    fn keep(&self, look: Look) -> Look {
        self.lock().note(look.clone());
        look
    }

    /// Says where the same program answers instead, when it does. Nothing is ever sent there: the two count apart.
    async fn sibling_hint(&self) -> String {
        let Some(url) = &self.endpoint.sibling else { return String::new() };
        let profile = self.endpoint.profile;
        let known = *self.sibling.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.monotonic();
        let answers = match known.filter(|(at, _)| now < *at + profile.health_interval) {
            Some((_, answers)) => answers,
            None => {
                let mut request = ServiceRequest::health(profile.service);
                request.timeout = SIBLING_TIMEOUT;
                let said = self.transport.send_to(below(url, &request.path), &self.endpoint, &request).await;
                let answers = matches!(&said, Exchanged::Answered { status, body, .. }
                    if judge_health(profile, *status, body).0 == HealthStatus::Healthy);
                if !matches!(said, Exchanged::NotSent(_)) {
                    *self.sibling.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, answers));
                }
                answers
            }
        };
        if !answers {
            return String::new();
        }
        let (setting, origin) = (profile.url_setting, url.origin().ascii_serialization());
        format!("; {} does answer at {origin}: set {setting}={origin} and let only one of the two run", profile.name)
    }

    fn lock(&self) -> MutexGuard<'_, Sighting> {
        self.sighting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
