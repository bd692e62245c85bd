//! Whether this process may do what only one of them may do.

use std::time::Duration;

use tokio::sync::watch;

use super::{Lease, Term};
use crate::{SharedClock, Timestamp};

/// How this process stands among those that could lead.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "whoever asks has to answer each of them")]
pub enum Standing {
    /// There is nobody else to agree with.
    Alone,
    /// It leads, under this lease.
    Leads(Lease),
    /// It leads without a lease that the other side could see, since the two share no database.
    Apart(Apart),
    /// Somebody else leads, or nobody known.
    Follows,
}

/// What a side does that cannot read what the other side has done.
///
/// ```
/// use everreach_core::lease::Apart;
/// let from = "2026-11-20T06:33:00Z".parse().expect("a time");
/// let taken_over = Apart { seen_until: Some(from), from, until: None };
/// assert!(taken_over.until.is_none(), "it acts until it is told otherwise");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "three times that only mean something together")]
pub struct Apart {
    /// Until here the other side was seen: what was due is in its log. None where this side did not look.
    pub seen_until: Option<Timestamp>,
    /// What was due until here may have been done by the other side: it is not done here, but logged as missed.
    pub from: Timestamp,
    /// The monotonic time at which the right to act ends by itself, where it does.
    pub until: Option<Duration>,
}

/// The right to act, to be proven again in the transaction of each write.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "whoever writes has to prove each of them")]
pub enum Authority {
    /// Nobody else could act.
    Alone,
    /// This lease.
    Lease(Lease),
    /// The other side's word, for a while.
    Until(Term),
}

impl Authority {
    /// The lease's fencing number; none without a lease.
    #[must_use]
    pub const fn epoch(&self) -> Option<i64> {
        match self {
            Self::Alone | Self::Until(_) => None,
            Self::Lease(lease) => Some(lease.epoch()),
        }
    }
}

/// A cheap-to-clone view of the standing; whoever keeps it up to date has the [`LeadershipSetter`].
///
/// ```
/// use everreach_core::SystemClock;
/// use everreach_core::lease::{Authority, Leadership, Standing};
/// assert_eq!(Leadership::alone(SystemClock::shared()).authority(), Some(Authority::Alone));
/// let (setter, leadership) = Leadership::followed(SystemClock::shared());
/// assert_eq!(leadership.authority(), None);
/// setter.set(Standing::Alone);
/// assert!(leadership.authority().is_some());
/// ```
#[derive(Debug, Clone)]
pub struct Leadership {
    standing: watch::Receiver<Standing>,
    clock: SharedClock,
}

/// Sets what [`Leadership`] shows.
#[derive(Debug)]
pub struct LeadershipSetter {
    standing: watch::Sender<Standing>,
}

impl LeadershipSetter {
    /// From now on it stands so.
    pub fn set(&self, standing: Standing) {
        self.standing.send_if_modified(|current| {
            let is_new = *current != standing;
            *current = standing;
            is_new
        });
    }
}

impl Leadership {
    /// For a process that nobody shares the work with.
    #[must_use]
    pub fn alone(clock: SharedClock) -> Self {
        Self { standing: watch::channel(Standing::Alone).1, clock }
    }

    /// For one that follows until it is said otherwise.
    #[must_use]
    pub fn followed(clock: SharedClock) -> (LeadershipSetter, Self) {
        let (setter, standing) = watch::channel(Standing::Follows);
        (LeadershipSetter { standing: setter }, Self { standing, clock })
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }

    /// The right to act now; a lease whose time is over is none.
    #[must_use]
    pub fn authority(&self) -> Option<Authority> {
        match &*self.standing.borrow() {
            Standing::Alone => Some(Authority::Alone),
            Standing::Leads(lease) => lease.is_good(self.clock.monotonic()).then(|| Authority::Lease(lease.clone())),
            Standing::Apart(Apart { until: None, .. }) => Some(Authority::Alone),
            Standing::Apart(Apart { until: Some(until), .. }) => {
                let term = Term::new(*until, SharedClock::clone(&self.clock));
                (!term.is_over()).then_some(Authority::Until(term))
            }
            Standing::Follows => None,
        }
    }

    /// Waits for the standing to change. Without a setter it never does.
    pub async fn changed(&mut self) {
        if self.standing.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
