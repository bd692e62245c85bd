//! Counting, asking and deciding.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use serde::Serialize;
use serde_json::json;

use super::store;
use crate::events;
use crate::safari::Command;
use crate::safari::decision::{DmGroup, DmGroupApproval, needs_approval};
use crate::store::Db;
use crate::{Error, ErrorKind, Event, Result, Timestamp};

/// How long a person has to decide about messages that are written already; nobody's silence is consent.
const LIFE: TimeDelta = TimeDelta::hours(4);

/// A campaign or batch with so many messages that a person has to agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WaitingGroup {
    /// The id of the campaign or the batch.
    pub id: String,
    /// How many messages it holds.
    pub dms: u32,
    /// Since when it waits.
    pub requested_at: Timestamp,
    /// When silence becomes a no.
    pub expires_at: Timestamp,
}

/// Adds messages to groups; returns the groups whose messages wait for a person.
pub(in crate::safari::queue) async fn count(
    db: &mut Db<'_>,
    grown: BTreeMap<String, u32>,
    now: Timestamp,
) -> Result<BTreeSet<String>> {
    count_until(db, grown, now, now + LIFE).await
}

/// The same, with a time of the caller's when silence becomes a no. A group that was asked about before keeps its own.
pub(in crate::safari::queue) async fn count_until(
    db: &mut Db<'_>,
    grown: BTreeMap<String, u32>,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<BTreeSet<String>> {
    let mut held = BTreeSet::new();
    for (id, more) in grown {
        let group = store::grow(db, &id, more).await?;
        if group.approval != DmGroupApproval::Pending || !needs_approval(group.dms) {
            continue;
        }
        if store::ask(db, &id, now, expires_at).await? {
            let data = json!({"group": id, "dms": group.dms});
            events::append(db, &Event::new(now, "safari.approval_requested", id.clone()).with_data(data)).await?;
        }
        store::hold(db, &id).await?;
        held.insert(id);
    }
    Ok(held)
}

/// Counts groups of a command that nobody has counted, as when another program changed the row; says whether there were any.
pub(in crate::safari::queue) async fn adopt(db: &mut Db<'_>, command: &Command, now: Timestamp) -> Result<bool> {
    let known = for_commands(db, &[command]).await?;
    let mut grown = BTreeMap::new();
    for id in [&command.campaign_id, &command.batch_id].into_iter().flatten().filter(|id| !known.contains_key(*id)) {
        grown.insert(id.clone(), store::size(db, id).await?);
    }
    let is_new = !grown.is_empty();
    count(db, grown, now).await?;
    Ok(is_new)
}

/// A person's word.
pub(in crate::safari::queue) async fn decide(
    db: &mut Db<'_>,
    id: &str,
    approval: DmGroupApproval,
    now: Timestamp,
) -> Result<u64> {
    if !store::decide(db, id, approval, now).await? {
        let known = store::find(db, &[id.to_owned()]).await?;
        return Err(match known.get(id) {
            None => Error::new(ErrorKind::NotFound, "no campaign or batch with this id holds messages"),
            Some(group) if group.approval == DmGroupApproval::Lapsed => {
                Error::new(ErrorKind::Conflict, "nobody answered in time: resume the campaign to be asked again")
            }
            Some(group) => Error::new(ErrorKind::Conflict, "this was decided before").with("approval", word(group.approval)),
        }
        .with_operation("decide about messages")
        .with("group", id));
    }
    let rows = match approval {
        DmGroupApproval::Approved => store::release(db, id, now).await?,
        _ => store::cancel(db, id, "a person refused its campaign or batch", now).await?,
    };
    let kind = if approval == DmGroupApproval::Approved { "safari.approved" } else { "safari.denied" };
    events::append(db, &Event::new(now, kind, id.to_owned()).with_data(json!({"commands": rows}))).await?;
    Ok(rows)
}

pub(super) const fn word(approval: DmGroupApproval) -> &'static str {
    match approval {
        DmGroupApproval::Pending => "pending",
        DmGroupApproval::Approved => "approved",
        DmGroupApproval::Denied => "denied",
        DmGroupApproval::Lapsed => "lapsed",
    }
}

/// Batches that nobody decided about in time are refused; campaigns are held until a person is asked again.
pub(in crate::safari::queue) async fn expire(db: &mut Db<'_>, now: Timestamp) -> Result<()> {
    for (id, is_campaign) in store::lapsed(db, now).await? {
        if is_campaign {
            if store::lapse(db, &id, now).await? {
                events::append(db, &Event::new(now, "safari.approval_expired", id)).await?;
            }
        } else if store::decide(db, &id, DmGroupApproval::Denied, now).await? {
            let rows = store::cancel(db, &id, "nobody agreed to its campaign or batch in time", now).await?;
            let data = json!({"commands": rows});
            events::append(db, &Event::new(now, "safari.approval_expired", id).with_data(data)).await?;
        }
    }
    Ok(())
}

/// Whether there is a question that nobody answered in time and that is still open.
pub(in crate::safari::queue) async fn is_any_late(db: &mut Db<'_>, now: Timestamp) -> Result<bool> {
    Ok(!store::lapsed(db, now).await?.is_empty())
}

/// Asks again about a campaign that nobody answered about, and lets what was put aside meanwhile be looked at.
pub(in crate::safari::queue) async fn take_up(db: &mut Db<'_>, id: &str, now: Timestamp, expires_at: Timestamp) -> Result<()> {
    if let Some(dms) = store::ask_again(db, id, now, expires_at).await? {
        let data = json!({"group": id, "dms": dms});
        events::append(db, &Event::new(now, "safari.approval_requested", id.to_owned()).with_data(data)).await?;
    }
    store::look_anew(db, id).await
}

/// What was said about these groups.
pub(in crate::safari::queue) async fn find(db: &mut Db<'_>, ids: &[String]) -> Result<BTreeMap<String, DmGroup>> {
    if ids.is_empty() { Ok(BTreeMap::new()) } else { store::find(db, ids).await }
}

/// What waits for a person, oldest first.
pub(in crate::safari::queue) async fn waiting(db: &mut Db<'_>) -> Result<Vec<WaitingGroup>> {
    store::waiting(db).await
}

/// The groups of these commands.
pub(in crate::safari::queue) async fn for_commands(db: &mut Db<'_>, commands: &[&Command]) -> Result<BTreeMap<String, DmGroup>> {
    let named = commands.iter().flat_map(|command| [&command.campaign_id, &command.batch_id]).flatten();
    let ids: Vec<_> = named.cloned().collect::<BTreeSet<_>>().into_iter().collect();
    find(db, &ids).await
}
