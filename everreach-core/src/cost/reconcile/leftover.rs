//! Deciding about reservations that a crash left open.

use super::store::{self, Leftover};
use crate::cost::SqlCostGuard;
use crate::cost::booking::{self, Closed, Closing};
use crate::{Id, Result, Timestamp};

const PAGE: u8 = 64;

/// What became of the reservations that a crash left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Reconciled {
    /// Booked at the amount that was held: the call happened, or nobody can say that it did not.
    pub settled: u64,
    /// Given back: the journal says that the call never left.
    pub released: u64,
    /// Still held, because the call's outcome is open.
    pub held: u64,
}

impl Leftover {
    /// Money errs towards spent: only a proof that the call never left gives it back.
    fn verdict(&self, now: Timestamp) -> Option<Closing> {
        if self.call_key.is_none() {
            return Some(Closing::SettleHeld);
        }
        let is_abandoned = self.call_lease_until.is_none_or(|lease| lease.0 <= now);
        match (self.call_state.as_deref(), self.dispatched_at) {
            (Some("executed" | "unknown"), _) if self.is_superseded || self.ran_elsewhere => Some(Closing::Release),
            // The journal forgets a key after days: then nothing will ever prove anything.
            (None | Some("executed"), _) => Some(Closing::SettleHeld),
            (Some("not_executed"), _) => Some(Closing::Release),
            (Some("running" | "waiting"), None) if is_abandoned => Some(Closing::Release),
            _ => None,
        }
    }
}

impl SqlCostGuard {
    /// Closes what a crash left: reservations older than [`RESERVATION_LEASE`](crate::cost::RESERVATION_LEASE) that are
    /// still held. Without a journaled call, or with one that was executed, they are booked at their amount; with one that
    /// never left they are given back, also when the same key has been used again since; with one whose outcome is open they
    /// stay held.
    ///
    /// # Errors
    /// The store's.
    pub async fn reconcile(&self) -> Result<Reconciled> {
        let mut all = Reconciled::default();
        let mut after = Some(Id::from_uuid(uuid::Uuid::nil()));
        while let Some(from) = after {
            let (config, now) = (self.config.clone(), self.clock.now());
            let (page, notices, last) = self
                .store
                .write(move |mut db| {
                    Box::pin(async move {
                        let (mut page, mut notices) = (Reconciled::default(), Vec::new());
                        let rows = store::leftover(&mut db, now, from, i64::from(PAGE)).await?;
                        for row in &rows {
                            let Some(closing) = row.verdict(now) else {
                                page.held += 1;
                                continue;
                            };
                            let Closed::Now(told) = booking::close(&mut db, row.id, closing, &config, now).await? else {
                                continue;
                            };
                            notices.extend(told);
                            match closing {
                                Closing::Release => page.released += 1,
                                _ => page.settled += 1,
                            }
                        }
                        let last = rows.last().filter(|_| rows.len() == usize::from(PAGE)).map(|row| row.id);
                        Ok((page, notices, last))
                    })
                })
                .await?;
            self.tell(notices).await;
            all = Reconciled {
                settled: all.settled + page.settled,
                released: all.released + page.released,
                held: all.held + page.held,
            };
            after = last;
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Stamp;

    fn verdict(state: Option<&str>, is_dispatched: bool, lease: &str) -> &'static str {
        let at = |text: &str| Stamp::parse(text).expect("a time");
        let row = Leftover {
            id: Id::new(),
            call_key: Some("key".to_owned()),
            call_state: state.map(str::to_owned),
            dispatched_at: is_dispatched.then(|| at("2026-11-20T11:00:00Z")),
            call_lease_until: state.map(|_| at(lease)),
            is_superseded: false,
            ran_elsewhere: false,
        };
        match row.verdict(at("2026-11-20T12:00:00Z").0) {
            Some(Closing::Release) => "release",
            Some(_) => "settle",
            None => "hold",
        }
    }

    #[test]
    fn only_a_call_that_provably_never_left_gives_the_money_back() {
        let (lapsed, live) = ("2026-11-20T11:59:00Z", "2026-11-20T12:01:00Z");
        for state in ["running", "waiting", "not_executed"] {
            assert_eq!(verdict(Some(state), false, lapsed), "release", "{state}");
        }
        for state in ["running", "waiting"] {
            assert_eq!(verdict(Some(state), false, live), "hold", "{state}");
            assert_eq!(verdict(Some(state), true, lapsed), "hold", "{state}");
        }
        assert_eq!(verdict(Some("not_executed"), true, lapsed), "release");
        assert_eq!(verdict(Some("unknown"), true, lapsed), "hold");
        assert_eq!(verdict(Some("queued"), false, lapsed), "hold");
        assert_eq!(verdict(Some("executed"), true, lapsed), "settle");
        assert_eq!(verdict(None, false, lapsed), "settle");
    }

    #[test]
    fn a_read_that_died_is_booked() {
        let row = Leftover {
            id: Id::new(),
            call_key: None,
            call_state: None,
            dispatched_at: None,
            call_lease_until: None,
            is_superseded: false,
            ran_elsewhere: false,
        };
        assert!(matches!(row.verdict("2026-11-20T12:00:00Z".parse().expect("a time")), Some(Closing::SettleHeld)));
    }
}
