//! The queue in numbers.

use std::time::Duration;

use serde::Serialize;

use super::store;
use crate::safari::decision::Conditions;
use crate::safari::limits::{Limit, Usage};
use crate::safari::queue::{counters, people};
use crate::safari::{CommandStatus, LimitedAction, Platform};
use crate::store::Db;
use crate::{Result, Timestamp};

/// How many commands stand somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StatusCount {
    /// The platform as the rows have it; none for those without one.
    pub platform: Option<String>,
    /// Where they stand.
    pub status: CommandStatus,
    /// Whether their outcome is unknown.
    pub is_unknown: bool,
    /// How many.
    pub commands: u64,
}

/// What an account has used of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LimitUsage {
    /// The platform.
    pub platform: Platform,
    /// What is limited.
    pub action: LimitedAction,
    /// The platform whose account it shares: what both do is counted together, under each one's own limit.
    pub counts_with: Option<Platform>,
    /// The effective limit: the stricter one of ours and the service's.
    pub limit: Limit,
    /// What its account has used in this hour and today, of UTC, by us and by other programs that say so.
    pub used: Usage,
    /// Until when the account goes at half its rate, which the limit says; none when it goes at its full one.
    pub half_rate_until: Option<Timestamp>,
}

/// What all accounts together have used of their limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CombinedUsage {
    /// The limit over all accounts.
    pub limit: Limit,
    /// What was sent in this hour and today, of UTC, by us and by other programs that say so.
    pub used: Usage,
}

/// The queue in numbers. Rows of other programs' actions are not counted.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Statistics {
    /// By platform and status.
    pub depth: Vec<StatusCount>,
    /// How long the oldest command waits that could have been claimed by now, in seconds; none when none waits.
    pub oldest_pending_s: Option<f64>,
    /// The share of finished commands that were completed, 0 to 1; none when none has finished.
    pub completion_rate: Option<f64>,
    /// How many of our commands another program on the same table failed because it does not know them: stop that program, or keep it
    /// from these rows.
    pub rejected_elsewhere: u64,
    /// Usage against limits.
    pub limits: Vec<LimitUsage>,
    /// The same over all accounts.
    pub combined: CombinedUsage,
}

impl Statistics {
    /// How many commands of one status there are.
    #[must_use]
    pub fn of_status(&self, status: CommandStatus) -> u64 {
        self.depth.iter().filter(|count| count.status == status).map(|count| count.commands).sum()
    }

    /// How many commands are held because nobody knows whether they were done.
    #[must_use]
    pub fn unknown(&self) -> u64 {
        self.depth.iter().filter(|count| count.is_unknown).map(|count| count.commands).sum()
    }
}

pub(in crate::safari::queue) async fn statistics(db: &mut Db<'_>, conditions: &Conditions, now: Timestamp) -> Result<Statistics> {
    let mut depth = Vec::new();
    for (platform, status, is_unknown, commands) in store::depth(db).await? {
        let Ok(status) = status.parse() else { continue };
        depth.push(StatusCount { platform, status, is_unknown, commands: u64::try_from(commands).unwrap_or(0) });
    }
    let (ours, mut conditions) = (counters::usage(db, now).await?, conditions.clone());
    (conditions.usage, conditions.combined_usage) = (ours.usage, ours.combined);
    conditions.sent_elsewhere = people::sent_elsewhere(db, now, now).await?.usage;
    conditions.half_rate = people::stops(db, now).await?.half_rate;
    let combined = CombinedUsage { limit: conditions.limits.combined(), used: conditions.combined_used() };
    let limits = conditions.limits.iter().map(|(platform, action, _)| LimitUsage {
        platform,
        action,
        counts_with: Some(platform.account()).filter(|account| *account != platform),
        limit: conditions.limit(platform, action),
        used: conditions.used(platform, action),
        half_rate_until: conditions.half_rate_until(platform),
    });
    let limits = limits.collect();
    let oldest = store::oldest(db, now).await?;
    let rejected_elsewhere = store::rejected(db).await?;
    let mut statistics =
        Statistics { depth, oldest_pending_s: None, completion_rate: None, rejected_elsewhere, limits, combined };
    statistics.oldest_pending_s = oldest.map(|at| (now - at).to_std().unwrap_or(Duration::ZERO).as_secs_f64());
    statistics.completion_rate = rate(&statistics);
    Ok(statistics)
}

fn rate(statistics: &Statistics) -> Option<f64> {
    let small = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let completed = statistics.of_status(CommandStatus::Completed);
    let finished = completed + statistics.of_status(CommandStatus::Failed);
    (finished > 0).then(|| small(completed) / small(finished))
}
