//! Giving out what changed.

use super::super::wire::{cursor, read_cursor, that_fit};
use super::super::{MAX_ITEMS, PullItem, PullPage, SealedDocument, StateSync, store as documents};
use super::store::{has_new, number_new, page, receipt};
use crate::Result;

impl StateSync {
    /// The documents that changed after a cursor, as many as fit into one answer. `node` is the database that asks, so that it learns
    /// which of its own versions have been decided about. A cursor of another database means the beginning.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) without a key to seal with, [`Conflict`](crate::ErrorKind::Conflict) on a side that is not
    /// the cloud; or the store's.
    pub async fn changes_since(&self, since: Option<&str>, node: &str) -> Result<PullPage> {
        let keys = self.keys()?;
        self.check_is_cloud()?;
        let mut connection = self.parts.store.read().await?;
        if has_new(&mut connection.db()).await? {
            drop(connection);
            self.parts.store.write(|mut db| Box::pin(async move { number_new(&mut db).await })).await?;
            connection = self.parts.store.read().await?;
        }
        let mut db = connection.db();
        let log = documents::node(&mut db).await?;
        let mut place = read_cursor(since.unwrap_or_default(), &log.node, log.seq);
        let limit = u32::try_from(MAX_ITEMS).unwrap_or(u32::MAX);
        let rows = page(&mut db, place, limit).await?;
        let is_full = rows.len() == MAX_ITEMS;
        let mut letters = Vec::new();
        for (seq, kept) in rows {
            // What may not leave, however it came into the table, is left out; so is what cannot be read.
            let sealed = kept.and_then(|kept| Ok((SealedDocument::seal(&kept.document, keys)?, kept)));
            match sealed {
                Ok((letter, kept)) => letters.push((seq, Some((letter, kept)))),
                Err(error) => {
                    tracing::warn!(%error, "a document is not given out");
                    letters.push((seq, None));
                }
            }
        }
        let fitting = that_fit(letters.iter().map(|(_, letter)| letter.as_ref().map_or(0, |(letter, _)| letter.sealed.len())));
        let has_more = is_full || fitting < letters.len();
        let mut items = Vec::new();
        for (seq, letter) in letters.into_iter().take(fitting) {
            place = seq;
            if let Some((document, kept)) = letter {
                let seen = receipt(&mut db, node, &kept.document).await?.map(|receipt| receipt.seen);
                items.push(PullItem { document, seen, cursor: cursor(&log.node, seq) });
            }
        }
        Ok(PullPage { items, next: cursor(&log.node, place), has_more })
    }
}
