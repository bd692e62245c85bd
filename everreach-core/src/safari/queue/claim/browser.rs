//! The one command that drives Safari.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde_json::json;

use super::slot::{Slot, lock_slot, take_slot};
use super::store;
use crate::events;
use crate::safari::decision::{BrowserRest, Conditions, NextStep, Rule, next_step};
use crate::safari::gate::{Work, check};
use crate::safari::queue::lane::lane_of;
use crate::safari::queue::people::Elsewhere;
use crate::safari::queue::row::QueueRow;
use crate::safari::queue::{Claimed, counters, finish, groups, people};
use crate::safari::{Command, Contact, Verb};
use crate::store::Db;
use crate::{Event, Result, Timestamp};

/// Rows that are looked at in one claim: those that are refused or put aside are written, and that should end.
const LOOKS: u32 = 200;

/// How long a row of a campaign that is held is not looked at.
const HELD_CAMPAIGN: TimeDelta = TimeDelta::minutes(5);

/// What holds for every command: the conditions of the caller, and what the database says.
pub(in crate::safari::queue) async fn surroundings(
    db: &mut Db<'_>,
    base: &Conditions,
    slot: &Slot,
    now: Timestamp,
) -> Result<Conditions> {
    let mut conditions = base.clone();
    let used = counters::usage(db, now).await?;
    conditions.usage.extend(used.usage);
    conditions.combined_usage = used.combined;
    conditions.last_sent.extend(used.last_sent);
    let elsewhere = people::sent_elsewhere(db, now - conditions.contact_floor, now).await?;
    conditions.sent_elsewhere = elsewhere.usage;
    for (contact, at) in elsewhere.last_dm {
        let last = conditions.last_dm.entry(contact).or_insert(at);
        *last = at.max(*last);
    }
    let stops = people::stops(db, now).await?;
    conditions.halts.extend(stops.halts);
    conditions.half_rate.extend(stops.half_rate);
    conditions.browser_held_until = slot.held_until(now).max(conditions.browser_held_until);
    if let Some(until) = slot.rest_until.filter(|until| *until > now)
        && conditions.rest.is_none_or(|rest| rest.until < until)
    {
        conditions.rest = Some(BrowserRest::new(until, slot.rest_service));
    }
    Ok(conditions)
}

/// Adds what the database says about the people and groups of these commands.
pub(in crate::safari::queue) async fn enrich(
    db: &mut Db<'_>,
    conditions: &mut Conditions,
    commands: &[&Command],
    elsewhere: &Elsewhere,
    now: Timestamp,
) -> Result<()> {
    conditions.dm_groups.extend(groups::for_commands(db, commands).await?);
    for command in commands {
        let Ok(dispatchable) = check(command) else { continue };
        let Some(contact) = dispatchable.contact() else { continue };
        if let (Some(campaign), Work::Dm(dm)) = (&command.campaign_id, dispatchable.work())
            && groups::has_replied(db, campaign, &dm.recipient, contact).await?
        {
            conditions.replied.insert((campaign.clone(), contact.clone()));
        }
        if people::denies(db, contact).await? {
            conditions.deny_list.add(contact.clone());
        }
        if dispatchable.verb() == Verb::SendDm
            && let Some(last) = last_dm(db, contact, command, conditions, elsewhere, now).await?
        {
            let known = conditions.last_dm.entry(contact.clone()).or_insert(last);
            *known = last.max(*known);
        }
    }
    Ok(())
}

async fn last_dm(
    db: &mut Db<'_>,
    contact: &Contact,
    command: &Command,
    conditions: &Conditions,
    elsewhere: &Elsewhere,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    let since = now - conditions.contact_floor;
    let ours = store::last_dm(db, contact, command.id, since).await?;
    Ok(ours.max(people::last_dm_elsewhere(db, elsewhere, contact, since).await?))
}

/// Claims the first command that may go, when Safari is free. Rows that may never go are refused on the way, rows whose time has
/// not come are put aside, and lanes that have to wait are passed over.
pub(in crate::safari::queue) async fn claim_browser(
    db: &mut Db<'_>,
    worker: &str,
    base: &Conditions,
    elsewhere: &Elsewhere,
    now: Timestamp,
    lease_until: Timestamp,
) -> Result<Search> {
    let slot = lock_slot(db).await?;
    if slot.held_until(now).is_some() {
        return Ok(Search::Nothing);
    }
    let conditions = surroundings(db, base, &slot, now).await?;
    let mut waiting: BTreeSet<String> = BTreeSet::new();
    for _ in 0..LOOKS {
        let heads = store::heads(db, &waiting).await?;
        if heads.is_empty() {
            return Ok(Search::Nothing);
        }
        let mut is_changed = false;
        for row in heads {
            match look(db, &row, &conditions, elsewhere, now).await? {
                Look::LaneWaits(lane) => {
                    waiting.insert(lane);
                }
                Look::RowIsGone => {
                    is_changed = true;
                    break;
                }
                Look::Goes(own) => {
                    let taken = Taking { worker, now, lease_until, conditions: &own };
                    match taken.take(db, row).await? {
                        Taken::Claimed(claimed) => return Ok(Search::Found(claimed)),
                        Taken::LaneIsFull(lane) => {
                            waiting.insert(lane);
                        }
                        Taken::Lost => {
                            is_changed = true;
                            break;
                        }
                    }
                }
            }
        }
        if !is_changed {
            return Ok(Search::Nothing);
        }
    }
    Ok(Search::Unfinished)
}

/// What a search for the next command of the browser has come to.
pub(in crate::safari::queue) enum Search {
    Found(Box<Claimed>),
    Nothing,
    /// So many rows were refused or put aside that the rest is left to another transaction.
    Unfinished,
}

enum Look {
    Goes(Box<Conditions>),
    /// Nothing of its lane can go now.
    LaneWaits(String),
    /// It was refused, put aside, or moved to another lane.
    RowIsGone,
}

async fn look(db: &mut Db<'_>, row: &QueueRow, conditions: &Conditions, elsewhere: &Elsewhere, now: Timestamp) -> Result<Look> {
    let lane = row.lane.clone().unwrap_or_default();
    match check(&row.command) {
        Ok(dispatchable) if lane_of(&dispatchable) != lane => {
            store::change_lane(db, &row.key, &lane_of(&dispatchable)).await?;
            return Ok(Look::RowIsGone);
        }
        Err(_) | Ok(_) => {}
    }
    let mut own = Box::new(conditions.clone());
    enrich(db, &mut own, &[&row.command], elsewhere, now).await?;
    match next_step(&row.command, &own, now) {
        NextStep::Dispatch(_) => Ok(Look::Goes(own)),
        NextStep::Wait { until, why: Rule::Schedule, .. } => {
            store::put_aside(db, &row.key, until).await?;
            Ok(Look::RowIsGone)
        }
        NextStep::Wait { why: Rule::Campaign, .. } => {
            // Others of its lane may go meanwhile; resuming the campaign brings it back at once.
            store::put_aside(db, &row.key, Some(now + HELD_CAMPAIGN)).await?;
            Ok(Look::RowIsGone)
        }
        NextStep::Wait { why: Rule::Approval, .. } => {
            if !groups::adopt(db, &row.command, now).await? {
                store::put_aside(db, &row.key, None).await?;
            }
            Ok(Look::RowIsGone)
        }
        NextStep::Wait { .. } => Ok(Look::LaneWaits(lane)),
        NextStep::Refuse { code, detail, .. } => {
            finish::refuse(db, row, code, &detail, now).await?;
            Ok(Look::RowIsGone)
        }
    }
}

struct Taking<'a> {
    worker: &'a str,
    now: Timestamp,
    lease_until: Timestamp,
    conditions: &'a Conditions,
}

enum Taken {
    Claimed(Box<Claimed>),
    LaneIsFull(String),
    Lost,
}

impl Taking<'_> {
    async fn take(&self, db: &mut Db<'_>, row: QueueRow) -> Result<Taken> {
        let NextStep::Dispatch(dispatchable) = next_step(&row.command, self.conditions, self.now) else { return Ok(Taken::Lost) };
        let limit =
            |platform, action| self.conditions.limit(platform, action).less(self.conditions.used_elsewhere(platform, action));
        let combined = self.conditions.limits.combined().less(self.conditions.combined_elsewhere());
        let Some(charges) = counters::take(db, &dispatchable, limit, combined, self.now).await? else {
            return Ok(Taken::LaneIsFull(row.lane.unwrap_or_default()));
        };
        let contact = dispatchable.contact().map(ToString::to_string);
        let Some(number) = store::take_one(db, &row.key, self.worker, self.now, self.lease_until, &charges, contact).await?
        else {
            counters::give_back(db, &charges, self.now).await?;
            return Ok(Taken::Lost);
        };
        let fence = take_slot(db, self.worker, &row.key, self.lease_until).await?;
        let data =
            json!({"worker": self.worker, "attempt": number, "action": row.command.action, "platform": row.command.platform});
        events::append(db, &Event::new(self.now, "safari.claimed", row.command.id.to_string()).with_data(data)).await?;
        let mut command = row.command;
        command.status = crate::safari::CommandStatus::Running;
        command.worker_id = Some(self.worker.to_owned());
        Ok(Taken::Claimed(Box::new(Claimed {
            key: row.key,
            command,
            dispatchable,
            worker_id: self.worker.to_owned(),
            number,
            claimed_at: self.now,
            lease_until: self.lease_until,
            charges,
            browser: Some(fence),
        })))
    }
}
