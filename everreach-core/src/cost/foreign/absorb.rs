//! Folding rows of other programs into the months' totals.

use super::store;
use crate::cost::notice::Notice;
use crate::cost::{Month, SqlCostGuard, booking};
use crate::{MicroUsd, Result, events};

/// What was folded in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Absorbed {
    /// Rows that are now part of a month's total.
    pub rows: u64,
    /// Their sum.
    pub cost_usd: MicroUsd,
    /// Rows that cannot be read and are set aside: no or a negative amount, no time, text that is neither.
    pub unreadable: u64,
}

impl SqlCostGuard {
    /// Folds the rows of other programs into the totals of their months. They count before that too; this keeps
    /// reservations fast and sends the alerts that such rows cause, so run it about once a minute.
    ///
    /// # Errors
    /// The store's.
    pub async fn absorb(&self) -> Result<Absorbed> {
        let mut absorbed = Absorbed::default();
        loop {
            let pending = store::pending(&mut self.store.read().await?.db()).await?;
            if pending.unreadable > 0 {
                absorbed.unreadable += self.set_aside().await?;
            }
            let Some(oldest) = pending.oldest() else { return Ok(absorbed) };
            let (rows, cost) = self.absorb_month(Month::of(oldest, self.config.zone)).await?;
            if rows == 0 {
                // Another process was faster.
                return Ok(absorbed);
            }
            absorbed.rows += rows;
            absorbed.cost_usd = absorbed.cost_usd.saturating_add(cost);
        }
    }

    async fn absorb_month(&self, month: Month) -> Result<(u64, MicroUsd)> {
        let (period, config, now) = (self.period_of(month), self.config.clone(), self.clock.now());
        let (rows, cost, notice) = self
            .store
            .write(move |mut db| {
                Box::pin(async move {
                    let taken = store::take(&mut db, &period).await?;
                    let notice = match taken.taken {
                        0 => None,
                        _ => booking::add_foreign(&mut db, month, taken.cost_micro, &config, now).await?,
                    };
                    Ok((taken.taken.unsigned_abs(), taken.cost_micro, notice))
                })
            })
            .await?;
        self.tell(notice).await;
        Ok((rows, cost))
    }

    async fn set_aside(&self) -> Result<u64> {
        let now = self.clock.now();
        let rows = self
            .store
            .write(move |mut db| {
                Box::pin(async move {
                    let rows = store::set_aside(&mut db).await?;
                    if rows > 0 {
                        events::append(&mut db, &Notice::Unreadable { rows }.event(now)).await?;
                    }
                    Ok(rows)
                })
            })
            .await?;
        if rows > 0 {
            self.tell([Notice::Unreadable { rows }]).await;
        }
        Ok(rows)
    }
}
