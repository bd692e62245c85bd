//! The transaction.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::json;

use super::new_command::Prepared;
use super::{Enqueued, store};
use crate::events;
use crate::safari::CommandStatus;
use crate::safari::queue::groups;
use crate::store::Db;
use crate::{Error, ErrorKind, Event, Id, Result, Timestamp};

/// Rows in one statement.
const CHUNK: usize = 1_000;

/// Writes what is new, finds what is known, and makes large groups wait for a person.
pub(in crate::safari::queue) async fn write(db: &mut Db<'_>, prepared: Vec<Prepared>, now: Timestamp) -> Result<Vec<Enqueued>> {
    let mut written: HashSet<Id> = HashSet::with_capacity(prepared.len());
    for chunk in prepared.chunks(CHUNK) {
        written.extend(store::insert(db, chunk, now).await?);
    }
    let held = groups::count(db, new_dms(&prepared, &written), now).await?;
    let mut earlier = HashMap::new();
    let mut answers = Vec::with_capacity(prepared.len());
    for (index, one) in prepared.iter().enumerate() {
        let command = &one.new.command;
        if written.contains(&command.id) {
            let mut named = [&command.campaign_id, &command.batch_id].into_iter().flatten();
            let waits_for = named.find(|group| one.is_dm && held.contains(*group)).cloned();
            answers.push(Enqueued { id: command.id, status: CommandStatus::Pending, created: true, waits_for });
            continue;
        }
        let Some(key) = &one.new.key else {
            return Err(Error::new(ErrorKind::Conflict, "a command with this id exists already: make a new one")
                .with_operation("enqueue")
                .with("id", command.id));
        };
        if !earlier.contains_key(key.as_str()) {
            let found = store::by_key(db, key.as_str()).await?.ok_or_else(|| {
                Error::new(ErrorKind::Conflict, "the command with this key is being written by somebody else: ask again")
                    .with_operation("enqueue")
                    .with("idempotency_key", key)
            })?;
            earlier.insert(key.as_str().to_owned(), found);
        }
        let found = &earlier[key.as_str()];
        let same = (&found.command.action, &found.command.platform, &found.command.params);
        if same != (&command.action, &command.platform, &command.params) {
            return Err(Error::new(ErrorKind::IdempotencyMismatch, "the key belongs to another command: use a new key")
                .with_operation("enqueue")
                .with("idempotency_key", key)
                .with("command", index));
        }
        answers.push(Enqueued { id: found.command.id, status: found.command.status, created: false, waits_for: None });
    }
    if !written.is_empty() {
        events::append(db, &event(&answers, now)).await?;
        store::announce(db).await?;
    }
    Ok(answers)
}

/// How many messages each campaign and batch has become larger by.
fn new_dms(prepared: &[Prepared], written: &HashSet<Id>) -> BTreeMap<String, u32> {
    let mut grown = BTreeMap::new();
    for one in prepared.iter().filter(|one| one.is_dm && written.contains(&one.new.command.id)) {
        for group in [&one.new.command.campaign_id, &one.new.command.batch_id].into_iter().flatten() {
            *grown.entry(group.clone()).or_default() += 1;
        }
    }
    grown
}

fn event(answers: &[Enqueued], now: Timestamp) -> Event {
    const NAMED: usize = 100;
    let created: Vec<_> = answers.iter().filter(|answer| answer.created).map(|answer| answer.id).collect();
    let subject = created.first().map_or_else(String::new, ToString::to_string);
    let data = json!({"count": created.len(), "ids": &created[..created.len().min(NAMED)]});
    Event::new(now, "safari.enqueued", subject).with_data(data)
}
