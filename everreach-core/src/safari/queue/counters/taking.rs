//! Taking and giving back.

use std::collections::BTreeMap;

use chrono::{DurationRound, TimeDelta};

use super::{Charge, store};
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

/// Takes all charges of a command, or none; says what was taken. `limit` is asked with the platform that the command names.
pub(in crate::safari::queue) async fn take(
    db: &mut Db<'_>,
    dispatchable: &Dispatchable,
    limit: impl Fn(Platform, LimitedAction) -> Limit,
    now: Timestamp,
) -> Result<Option<Vec<Charge>>> {
    let windows = Windows::of(now);
    let mut taken: Vec<Charge> = Vec::new();
    let limits: BTreeMap<_, _> = dispatchable
        .charges()
        .into_iter()
        .map(|(platform, action, _)| ((platform.account(), action), limit(platform, action)))
        .collect();
    for charge in Charge::all(dispatchable) {
        let limit = limits.get(&(charge.account, charge.action)).copied().unwrap_or(Limit::per_day(0));
        if !store::take(db, charge, "day", windows.day, limit.per_day).await? {
            give_back(db, &taken, now).await?;
            return Ok(None);
        }
        if !store::take(db, charge, "hour", windows.hour, limit.per_hour).await? {
            store::give_back(db, charge, "day", windows.day).await?;
            give_back(db, &taken, now).await?;
            return Ok(None);
        }
        taken.push(charge);
    }
    Ok(Some(taken))
}

/// Gives back what was taken at that time.
pub(in crate::safari::queue) async fn give_back(db: &mut Db<'_>, charges: &[Charge], taken_at: Timestamp) -> Result<()> {
    let windows = Windows::of(taken_at);
    for charge in charges {
        store::give_back(db, *charge, "day", windows.day).await?;
        store::give_back(db, *charge, "hour", windows.hour).await?;
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
    pub(in crate::safari::queue) last_sent: BTreeMap<(Platform, LimitedAction), Timestamp>,
}

pub(in crate::safari::queue) async fn usage(db: &mut Db<'_>, now: Timestamp) -> Result<Used> {
    let mut used = Used::default();
    for (platform, action, period, count) in store::used(db, Windows::of(now)).await? {
        let (Ok(platform), Ok(action)) = (platform.parse::<Platform>(), action.parse::<LimitedAction>()) else { continue };
        let usage = used.usage.entry((platform, action)).or_default();
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
