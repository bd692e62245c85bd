//! Rows that other programs wrote: looked at once, before they can be claimed.

use std::collections::BTreeMap;

use super::store;
use crate::safari::Verb;
use crate::safari::gate::check;
use crate::safari::queue::lane::lane_of;
use crate::safari::queue::{finish, groups};
use crate::store::Db;
use crate::{Result, Timestamp};

/// Gives new rows their lane, and refuses those that the gate refuses. Returns how many there were.
pub(super) async fn absorb(db: &mut Db<'_>, limit: u32, now: Timestamp) -> Result<usize> {
    let rows = store::lock_new(db, limit).await?;
    let mut grown: BTreeMap<String, u32> = BTreeMap::new();
    for row in &rows {
        match check(&row.command) {
            Err(refusal) => finish::refuse(db, row, refusal.code.as_str(), &refusal.to_string(), now).await?,
            Ok(dispatchable) => {
                let contact = dispatchable.contact().map(ToString::to_string);
                store::absorb(db, row, &lane_of(&dispatchable), contact).await?;
                if dispatchable.verb() == Verb::SendDm {
                    for group in [&row.command.campaign_id, &row.command.batch_id].into_iter().flatten() {
                        *grown.entry(group.clone()).or_default() += 1;
                    }
                }
            }
        }
    }
    groups::count(db, grown, now).await?;
    Ok(rows.len())
}
