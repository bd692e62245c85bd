//! Reading commands, and saying why they are where they are.

use super::entry::{CommandDetail, Cursor, Entry, HistoryFilter, Page};
use super::store;
use crate::safari::decision::{Conditions, why};
use crate::safari::queue::claim;
use crate::safari::queue::people::Elsewhere;
use crate::safari::queue::row::QueueRow;
use crate::store::Db;
use crate::{Id, Result, Timestamp};

/// What an entry's sentence depends on.
pub(in crate::safari::queue) struct Asking<'a> {
    pub(in crate::safari::queue) conditions: &'a Conditions,
    pub(in crate::safari::queue) elsewhere: &'a Elsewhere,
    pub(in crate::safari::queue) now: Timestamp,
}

impl Asking<'_> {
    async fn entries(&self, db: &mut Db<'_>, rows: Vec<QueueRow>) -> Result<Vec<Entry>> {
        let slot = claim::slot(db).await?;
        let general = claim::surroundings(db, self.conditions, &slot, self.now).await?;
        let mut entries = Vec::with_capacity(rows.len());
        for row in rows {
            let is_waiting = row.command.status == crate::safari::CommandStatus::Pending && row.command.is_ours();
            let why = if is_waiting {
                let mut own = general.clone();
                claim::enrich(db, &mut own, &[&row.command], self.elsewhere, self.now).await?;
                why(&row.command, &own, self.now)
            } else {
                why(&row.command, &general, self.now)
            };
            entries.push(Entry { command: row.command, outcome: row.outcome, attempts: row.attempts, why });
        }
        Ok(entries)
    }
}

pub(in crate::safari::queue) async fn page(
    db: &mut Db<'_>,
    filter: &HistoryFilter,
    after: Option<Cursor>,
    limit: u32,
    asking: &Asking<'_>,
) -> Result<Page> {
    let (rows, is_more) = store::list(db, filter, after, limit).await?;
    let next = rows.last().filter(|_| is_more).map(|row| Cursor { created_at: row.command.created_at, id: row.command.id });
    Ok(Page::new(asking.entries(db, rows).await?, next))
}

pub(in crate::safari::queue) async fn detail(db: &mut Db<'_>, id: Id, asking: &Asking<'_>) -> Result<Option<CommandDetail>> {
    let Some(row) = store::find(db, id).await? else { return Ok(None) };
    let tries = store::attempts(db, id).await?;
    Ok(asking.entries(db, vec![row]).await?.pop().map(|entry| CommandDetail::new(entry, tries)))
}
