//! Taking and giving back.

use std::collections::BTreeMap;

use chrono::{DurationRound, TimeDelta};

use super::{Charge, Counted, store};
use crate::safari::gate::Dispatchable;
use crate::safari::limits::{Limit, Usage};
use crate::safari::{LimitedAction, Platform};
use crate::store::Db;
use crate::{Result, Timestamp};

/// The hour and the day of UTC that a time is in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Windows {
    pub(super) hour: Timestamp,
    pub(super) day: Timestamp,
}

impl Windows {
    pub(super) fn of(at: Timestamp) -> Self {
        let start = |length| at.duration_trunc(length).unwrap_or(at);
        Self { hour: start(TimeDelta::hours(1)), day: start(TimeDelta::days(1)) }
    }
}

/// Whether both times are counted together: the day is the same when the hour is.
pub(in crate::safari::queue) fn is_same_hour(one: Timestamp, other: Timestamp) -> bool {
    Windows::of(one).hour == Windows::of(other).hour
}

/// Whether both times are in the same day of UTC.
pub(in crate::safari::queue) fn is_same_day(one: Timestamp, other: Timestamp) -> bool {
    Windows::of(one).day == Windows::of(other).day
}

/// Takes so many of one count, in the hour and in the day, or none; says whether there was room.
async fn take_one(db: &mut Db<'_>, taking: (Counted, u32), limit: Limit, windows: Windows) -> Result<bool> {
    if !store::take(db, taking, "day", windows.day, limit.per_day).await? {
        return Ok(false);
    }
    if store::take(db, taking, "hour", windows.hour, limit.per_hour).await? {
        return Ok(true);
    }
    store::give_back(db, taking, "day", windows.day).await?;
    Ok(false)
}

/// Takes all charges of a command, or none; says what was taken. `limit` is asked with the platform that the command names. What is
/// counted over all accounts always comes first, so that two who take or give back never wait for each other.
pub(in crate::safari::queue) async fn take(
    db: &mut Db<'_>,
    dispatchable: &Dispatchable,
    limit: impl Fn(Platform, LimitedAction) -> Limit,
    combined: Limit,
    now: Timestamp,
) -> Result<Option<Vec<Charge>>> {
    let windows = Windows::of(now);
    let charges = Charge::all(dispatchable);
    let sends = Charge::sends(&charges);
    if sends > 0 && !take_one(db, (Counted::COMBINED, sends), combined, windows).await? {
        return Ok(None);
    }
    let limits: BTreeMap<_, _> = dispatchable
        .charges()
        .into_iter()
        .map(|(platform, action, _)| ((platform.account(), action), limit(platform, action)))
        .collect();
    for (index, charge) in charges.iter().enumerate() {
        let limit = limits.get(&(charge.account, charge.action)).copied().unwrap_or(Limit::per_day(0));
        if !take_one(db, charge.taking(), limit, windows).await? {
            return_one(db, (Counted::COMBINED, sends), windows).await?;
            for taken in &charges[..index] {
                return_one(db, taken.taking(), windows).await?;
            }
            return Ok(None);
        }
    }
    Ok(Some(charges))
}

async fn return_one(db: &mut Db<'_>, taken: (Counted, u32), windows: Windows) -> Result<()> {
    store::give_back(db, taken, "day", windows.day).await?;
    store::give_back(db, taken, "hour", windows.hour).await
}

/// Gives back what was taken at that time.
pub(in crate::safari::queue) async fn give_back(db: &mut Db<'_>, charges: &[Charge], taken_at: Timestamp) -> Result<()> {
    let (windows, sends) = (Windows::of(taken_at), Charge::sends(charges));
    if sends > 0 {
        return_one(db, (Counted::COMBINED, sends), windows).await?;
    }
    for charge in charges {
        return_one(db, charge.taking(), windows).await?;
    }
    Ok(())
}

/// Remembers that something was sent, for spacing.
pub(in crate::safari::queue) async fn mark_sent(db: &mut Db<'_>, charges: &[Charge], now: Timestamp) -> Result<()> {
    for charge in charges {
        store::mark_sent(db, charge.account, charge.action, now).await?;
    }
    Ok(())
}

/// What every account has used, and when it last sent something.
#[derive(Debug, Default)]
pub(in crate::safari::queue) struct Used {
    pub(in crate::safari::queue) usage: BTreeMap<(Platform, LimitedAction), Usage>,
    /// Of all of them together.
    pub(in crate::safari::queue) combined: Usage,
    pub(in crate::safari::queue) last_sent: BTreeMap<(Platform, LimitedAction), Timestamp>,
}

pub(in crate::safari::queue) async fn usage(db: &mut Db<'_>, now: Timestamp) -> Result<Used> {
    let mut used = Used::default();
    for (platform, action, period, count) in store::used(db, Windows::of(now)).await? {
        let usage = match (platform.parse::<Platform>(), action.parse::<LimitedAction>()) {
            (Ok(platform), Ok(action)) => used.usage.entry((platform, action)).or_default(),
            _ => &mut used.combined,
        };
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        if period == "hour" {
            usage.this_hour = count;
        } else {
            usage.today = count;
        }
    }
    for (platform, action, at) in store::last_sent(db).await? {
        if let (Ok(platform), Ok(action)) = (platform.parse(), action.parse()) {
            used.last_sent.insert((platform, action), at.0);
        }
    }
    Ok(used)
}
