//! Grants: where nothing is shared, the local side gives the cloud the right to act, a little at a time.
//!
//! The cloud writes a challenge into each answer; a grant names the challenge it answers. The cloud counts from the moment it made that
//! challenge, which lies before the grant was sent, so that its right always ends before the local side takes over, however long
//! the grant was under way.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Id;

/// How often the local side grants.
pub const GRANT_EVERY: Duration = Duration::from_secs(10);
/// The cloud stops by itself this long after it made the challenge that was last answered.
pub const ACT_FOR: Duration = Duration::from_secs(20);
/// The local side takes over no sooner than this after it sent its last grant: 30 s and a tenth for clocks of different speed.
pub const TAKE_OVER_AFTER: Duration = Duration::from_secs(33);

/// Between two grants no more than this after the end of the first one's right, the local side cannot have taken over: it waits for
/// [`TAKE_OVER_AFTER`] since the first.
const UNBROKEN: Duration = Duration::from_secs(10);

/// What the cloud answers to a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GrantAnswer {
    /// Whether the grant answered the open challenge, in time.
    pub accepted: bool,
    /// The challenge that the next grant has to name.
    pub challenge: Id,
}

/// The cloud's side of it. All times are of its own monotonic clock.
///
/// ```
/// use everreach_core::failover::GrantBook;
/// use std::time::Duration;
/// let at = Duration::from_secs;
/// let mut book = GrantBook::default();
/// assert!(!book.may_act(at(0)));
/// let challenge = book.challenge(at(0));
/// assert!(book.accept(challenge, at(9)));
/// assert!(book.may_act(at(19)) && !book.may_act(at(20)), "it counts from the challenge, not from the grant");
/// assert!(!book.accept(challenge, at(10)), "each challenge is answered once");
/// let late = book.challenge(at(28));
/// assert!(book.accept(late, at(29)));
/// assert_eq!(book.act_since(), Some(at(9)), "nobody can have taken over in between");
/// ```
#[derive(Debug, Clone, Default)]
pub struct GrantBook {
    open: Option<(Id, Duration)>,
    act_since: Option<Duration>,
    act_until: Option<Duration>,
}

impl GrantBook {
    /// A challenge for the next answer; the one before it is void.
    pub fn challenge(&mut self, at: Duration) -> Id {
        let challenge = Id::new();
        self.open = Some((challenge, at));
        challenge
    }

    /// Takes a grant in; says whether it answers the open challenge, and in time.
    pub fn accept(&mut self, challenge: Id, at: Duration) -> bool {
        let Some((_, made_at)) = self.open.take_if(|(open, _)| *open == challenge) else { return false };
        let act_until = made_at + ACT_FOR;
        if at >= act_until {
            return false;
        }
        if self.act_until.is_none_or(|before| at >= before + UNBROKEN) {
            self.act_since = Some(at);
        }
        self.act_until = Some(act_until);
        true
    }

    /// Since when nobody but this side can have acted; none without a grant.
    #[must_use]
    pub const fn act_since(&self) -> Option<Duration> {
        self.act_since
    }

    /// Until when it may act; none without a grant.
    #[must_use]
    pub const fn act_until(&self) -> Option<Duration> {
        self.act_until
    }

    /// Whether it may act now.
    #[must_use]
    pub fn may_act(&self, at: Duration) -> bool {
        self.act_until.is_some_and(|until| at < until)
    }
}
