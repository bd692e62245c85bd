//! Who answers at a service's address: looked at before the first send, and whenever that came into doubt.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::timeout;

use super::endpoint::{Endpoint, below};
use super::sighting::{Look, Reach, Sighting, Standing};
use super::transport::{Exchanged, Transport};
use super::turns::{Turn, Turns};
use crate::safari::wire::ServiceRequest;
use crate::safari::{DispatchOutcome, HealthStatus, Reason, Repeat, ServiceHealth, judge_health};
use crate::store::Store;
use crate::{SharedClock, Timestamp};

/// How long the sibling may take: less than `/health` may, so that the answer about the service itself is never late for it.
const SIBLING_TIMEOUT: Duration = Duration::from_secs(1);
/// A service that may be asked less often than this is asked by one process for all.
const SHARED_FROM: Duration = Duration::from_secs(60);

/// One service as it is seen from here.
#[derive(Debug)]
pub(super) struct Presence {
    pub(super) endpoint: Endpoint,
    transport: Transport,
    clock: SharedClock,
    sighting: Mutex<Sighting>,
    /// When the sibling was last asked, and whether it answered as this service.
    sibling: Mutex<Option<(Duration, bool)>>,
    /// Where it is agreed with other processes who asks; none for a service that may be asked at any time.
    turns: Option<Turns>,
    /// When somebody else may have taken the service's place: what was found before says nothing of who is there now.
    doubted_at: Mutex<Option<Timestamp>>,
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
            turns: None,
            doubted_at: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        }
    }

    /// Asks only when no other process on this database has asked a moment ago, where the service suffers from being asked.
    pub(super) fn share(&mut self, store: &Store) {
        let profile = self.endpoint.profile;
        if profile.health_interval >= SHARED_FROM {
            self.turns = Some(Turns { store: store.clone(), service: profile.service, port: self.endpoint.port() });
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
                None => match self.turn().await {
                    Turn::Ours(taken_at) => self.look(taken_at).await.health,
                    Turn::Theirs { found: Some(found), .. } => {
                        self.take_in(&found);
                        found
                    }
                    Turn::Theirs { found: None, .. } => self.unsaid(),
                },
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
            Standing::Unknown => match self.turn().await {
                Turn::Ours(taken_at) => {
                    timeout(profile.health_timeout(), self.look(taken_at)).await.unwrap_or_else(|_| self.late())
                }
                Turn::Theirs { found, wait } => match found.as_ref().and_then(|found| self.take_in(found)) {
                    Some(look) => look,
                    None => return Err(self.too_soon(wait)),
                },
            },
            Standing::Refused(look) => look,
            Standing::TooSoon(wait) => return Err(self.too_soon(wait)),
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
            Exchanged::NotSent(_) => {
                self.lock().was_refused();
                self.doubt();
            }
            Exchanged::Broken(_) => {
                self.lock().broke();
                self.doubt();
            }
            Exchanged::Answered { .. } | Exchanged::TimedOut => {}
        }
        exchanged
    }

    fn standing_is_good(&self) -> bool {
        let interval = self.endpoint.profile.health_interval;
        matches!(self.lock().standing(interval, self.clock.monotonic()), Standing::Identified)
    }

    fn too_soon(&self, wait: Duration) -> DispatchOutcome {
        let what = format!(
            "it is not known who answers for {}, and it may not be asked for another {} s; nothing was sent",
            self.endpoint.profile.name,
            wait.as_secs() + 1
        );
        DispatchOutcome::refused(Repeat::Free, Reason::ServiceUnavailable, what).with_retry_after(wait)
    }

    async fn turn(&self) -> Turn {
        let now = self.clock.now();
        match &self.turns {
            Some(turns) => turns.take(now).await,
            None => Turn::Ours(now),
        }
    }

    fn doubt(&self) {
        *self.doubted_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.clock.now());
    }

    /// Believes what another process found, unless somebody else may have come since.
    fn take_in(&self, found: &ServiceHealth) -> Option<Look> {
        let doubted_at = *self.doubted_at.lock().unwrap_or_else(PoisonError::into_inner);
        if doubted_at.is_some_and(|at| found.checked_at <= at) {
            return None;
        }
        let refusal = match found.status {
            HealthStatus::Healthy => None,
            HealthStatus::Down => Some(Reason::WrongService),
            HealthStatus::Timeout => Some(Reason::ServiceUnreachable),
        };
        let age = (self.clock.now() - found.checked_at).to_std().unwrap_or_default();
        let at = self.clock.monotonic().saturating_sub(age);
        Some(self.keep(Look { health: found.clone(), refusal, reach: Reach::Somebody, at }))
    }

    /// What is said of a service that another process has asked and says nothing of.
    fn unsaid(&self) -> ServiceHealth {
        let detail = "another process has just asked it and does not say what it found";
        let service = self.endpoint.profile.service;
        ServiceHealth::new(service, HealthStatus::Timeout, detail, self.clock.now()).at_port(self.endpoint.port())
    }

    async fn look(&self, taken_at: Timestamp) -> Look {
        let look = self.ask().await;
        match &self.turns {
            Some(turns) if look.reach == Reach::Somebody => turns.tell(&look.health, self.clock.now()).await,
            Some(turns) => turns.give_back(taken_at).await,
            None => {}
        }
        look
    }

    async fn ask(&self) -> Look {
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
                let taken_at = self.clock.now();
                let turns = self.turns.as_ref().zip(url.port_or_known_default()).map(|(turns, port)| turns.at_port(port));
                if let Some(turns) = &turns
                    && !turns.take_at_once(taken_at).await
                {
                    return String::new();
                }
                let mut request = ServiceRequest::health(profile.service);
                request.timeout = SIBLING_TIMEOUT;
                let said = self.transport.send_to(below(url, &request.path), &self.endpoint, &request).await;
                let answers = matches!(&said, Exchanged::Answered { status, body, .. }
                    if judge_health(profile, *status, body).0 == HealthStatus::Healthy);
                if matches!(said, Exchanged::NotSent(_)) {
                    if let Some(turns) = &turns {
                        turns.give_back(taken_at).await;
                    }
                } else {
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
