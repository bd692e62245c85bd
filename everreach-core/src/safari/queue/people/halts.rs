//! Stops and refusals that people or platforms asked for.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

use super::store;
use crate::events;
use crate::safari::decision::Halt;
use crate::safari::{Contact, HaltCause, LimitedAction, Platform};
use crate::store::Db;
use crate::{Event, Result, Timestamp};

/// Whom nobody is to write to.
///
/// ```
/// use everreach_core::safari::queue::Denied;
/// use everreach_core::safari::{Contact, Platform};
/// let one = Denied::on(&Contact::new(Platform::Threads, "@Bob"));
/// assert_eq!(one.to_string(), "instagram:bob");
/// assert_eq!(Denied::everywhere("Bob").to_string(), "bob");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Denied {
    platform: Option<Platform>,
    handle: String,
}

impl Denied {
    /// One person on one platform.
    #[must_use]
    pub fn on(contact: &Contact) -> Self {
        Self { platform: Some(contact.platform()), handle: contact.handle().to_owned() }
    }

    /// A user name on every platform.
    #[must_use]
    pub fn everywhere(handle: &str) -> Self {
        Self { platform: None, handle: Contact::new(Platform::Instagram, handle).handle().to_owned() }
    }

    /// The platform; none for every one.
    #[must_use]
    pub const fn platform(&self) -> Option<Platform> {
        self.platform
    }

    /// The user name.
    #[must_use]
    pub fn handle(&self) -> &str {
        &self.handle
    }

    pub(super) fn platform_word(&self) -> &'static str {
        self.platform.map_or("", Platform::as_str)
    }
}

impl std::fmt::Display for Denied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.platform {
            Some(platform) => write!(f, "{platform}:{}", self.handle),
            None => f.write_str(&self.handle),
        }
    }
}

/// An entry of the deny list that is kept in the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Denial {
    /// Who.
    #[serde(flatten)]
    pub who: Denied,
    /// Why: `opt_out`, or what a person wrote.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

impl Denial {
    pub(super) const fn new(who: Denied, reason: String, since: Timestamp) -> Self {
        Self { who, reason, since }
    }

    pub(super) fn of_columns(platform: &str, handle: String, reason: String, since: Timestamp) -> Self {
        Self::new(Denied { platform: platform.parse().ok(), handle }, reason, since)
    }
}

/// Never writes to somebody again, and takes back what waits for them. Returns how many commands that were.
pub(in crate::safari::queue) async fn deny(db: &mut Db<'_>, who: &Denied, reason: &str, now: Timestamp) -> Result<u64> {
    store::deny(db, who, reason, now).await?;
    let platforms = who.platform.map_or_else(|| Platform::ALL.to_vec(), |platform| vec![platform]);
    let mut cancelled = 0;
    for platform in platforms {
        cancelled += store::cancel_for(db, &Contact::new(platform, &who.handle), now).await?;
    }
    let data = json!({"reason": reason, "cancelled": cancelled});
    events::append(db, &Event::new(now, "safari.contact_denied", who.to_string()).with_data(data)).await?;
    Ok(cancelled)
}

/// Takes somebody off the list; says whether they were on it.
pub(in crate::safari::queue) async fn allow(db: &mut Db<'_>, who: &Denied, now: Timestamp) -> Result<bool> {
    let was_on_it = store::allow(db, who).await?;
    if was_on_it {
        events::append(db, &Event::new(now, "safari.contact_allowed", who.to_string())).await?;
    }
    Ok(was_on_it)
}

pub(in crate::safari::queue) async fn denied(db: &mut Db<'_>) -> Result<Vec<Denial>> {
    store::denied(db).await
}

/// Whether the list in the database names them.
pub(in crate::safari::queue) async fn denies(db: &mut Db<'_>, contact: &Contact) -> Result<bool> {
    store::denies(db, contact).await
}

/// What follows from the stops there were.
#[derive(Debug, Default)]
pub(in crate::safari::queue) struct Stops {
    /// Those that hold now.
    pub(in crate::safari::queue) halts: Vec<Halt>,
    /// Accounts that go at half their rate, and until when.
    pub(in crate::safari::queue) half_rate: BTreeMap<Platform, Timestamp>,
}

pub(in crate::safari::queue) async fn stops(db: &mut Db<'_>, now: Timestamp) -> Result<Stops> {
    let mut stops = Stops::default();
    for halt in store::halts(db, Halt::of_interest_since(now)).await? {
        if let Some(until) = halt.half_rate_until(now) {
            stops.half_rate.insert(halt.account, until);
        }
        if halt.is_in_force(now) {
            stops.halts.push(halt);
        }
    }
    Ok(stops)
}

pub(in crate::safari::queue) async fn set_halt(db: &mut Db<'_>, halt: &Halt, now: Timestamp) -> Result<()> {
    store::set_halt(db, halt).await?;
    let data = json!(halt);
    events::append(db, &Event::new(now, "safari.halted", halt.account.as_str()).with_data(data)).await
}

/// Ends the stops of an account: of one action, or all. Returns how many; what was signed out rests first.
pub(in crate::safari::queue) async fn lift_halts(
    db: &mut Db<'_>,
    account: Platform,
    action: Option<LimitedAction>,
    now: Timestamp,
) -> Result<u64> {
    let (account, rests_until) = (account.account(), now + Halt::REST_AFTER_LOGIN);
    let ended = store::lift_halts(db, account, action, HaltCause::Login).await?;
    let resting = store::let_rest(db, account, action, HaltCause::Login, rests_until).await?;
    let lifted = ended + resting;
    if lifted > 0 {
        let data = json!({"action": action, "stops": lifted, "rests_until": (resting > 0).then_some(rests_until)});
        events::append(db, &Event::new(now, "safari.resumed", account.as_str()).with_data(data)).await?;
    }
    Ok(lifted)
}
