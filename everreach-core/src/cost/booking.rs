//! What happens inside one transaction: hold money, close a reservation, tell of it.

use serde_json::json;

use super::notice::Notice;
use super::store::{self, ClosedRow, Holding, MonthState, Period};
use super::totals::{MonthTotals, room_limit};
use super::{CostConfig, CostRequest, Month, RESERVATION_LEASE, Reservation};
use crate::store::Db;
use crate::{Error, ErrorKind, Event, Id, MicroUsd, Result, Timestamp, events};

/// On PostgreSQL a month's row can change between the write that found no room and the read that says why.
const HOLD_TRIES: u32 = 3;

/// What became of a request.
#[derive(Debug)]
pub(super) enum Admission {
    Held,
    Refused { totals: MonthTotals, notice: Option<Notice> },
}

/// How a reservation is to be closed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Closing {
    Settle(MicroUsd),
    /// At the amount that was held.
    SettleHeld,
    Release,
}

/// What closing it did.
#[derive(Debug)]
pub(super) enum Closed {
    Now(Vec<Notice>),
    /// Somebody was first; with `is_late_settlement`, what is being settled had been given back.
    Before {
        is_late_settlement: bool,
    },
    NeverMade,
}

/// Holds the money and writes the reservation with its event, or writes that it was refused.
pub(super) async fn reserve(
    db: &mut Db<'_>,
    request: &CostRequest,
    reservation: &Reservation,
    period: &Period,
    config: &CostConfig,
    now: Timestamp,
) -> Result<Admission> {
    let data = json!({
        "reservation": reservation.id, "month": period.key, "amount_usd": request.amount,
        "essential": request.is_essential, "call_key": request.call_key,
    });
    let event = Event::new(now, "cost.reserved", request.action.as_str()).with_data(data);
    let (call_key, lease_until) = (request.call_key.as_deref(), now + RESERVATION_LEASE);
    if request.is_essential {
        store::hold_essential(db, &period.key, request.amount).await?;
        store::add_reservation(db, reservation, call_key, now, lease_until).await?;
        events::append(db, &event).await?;
        return Ok(Admission::Held);
    }
    let room_limit = room_limit(request.amount, config.cap);
    let holding = Holding { period, reservation, call_key, room_limit, lease_until, event: &event };
    match hold(db, &holding, config).await? {
        None => Ok(Admission::Held),
        Some(state) => refuse(db, request, period, config, state, now).await,
    }
}

/// One conditional write as a rule. Returns why not, when there is no room.
async fn hold(db: &mut Db<'_>, holding: &Holding<'_>, config: &CostConfig) -> Result<Option<MonthState>> {
    let mut tries = 1;
    loop {
        if store::hold(db, holding).await? {
            return Ok(None);
        }
        let state = store::month_state(db, holding.period).await?;
        let has_room = state.totals.admits(holding.reservation.amount, config.cap);
        if !has_room || tries == HOLD_TRIES {
            return Ok(Some(state));
        }
        if !state.is_known {
            store::add_month(db, &holding.period.key).await?;
        }
        tries += 1;
    }
}

async fn refuse(
    db: &mut Db<'_>,
    request: &CostRequest,
    period: &Period,
    config: &CostConfig,
    state: MonthState,
    now: Timestamp,
) -> Result<Admission> {
    let MonthState { totals, alerted, is_known } = state;
    let data = json!({
        "month": period.key, "amount_usd": request.amount, "total_usd": totals.total(), "reserved_usd": totals.held(), "cap_usd": config.cap,
    });
    events::append(db, &Event::new(now, "cost.refused", request.action.as_str()).with_data(data)).await?;
    let due = Notice::due(period.month, &totals, alerted, config, Some(request.amount));
    if due.is_some() && !is_known {
        store::add_month(db, &period.key).await?;
    }
    let notice = claim_alert(db, due, &period.key, now).await?;
    Ok(Admission::Refused { totals, notice })
}

/// Settles or releases; whoever is first decides.
pub(super) async fn close(db: &mut Db<'_>, id: Id, closing: Closing, config: &CostConfig, now: Timestamp) -> Result<Closed> {
    let (state, actual) = match closing {
        Closing::Settle(actual) => ("settled", Some(actual)),
        Closing::SettleHeld => ("settled", None),
        Closing::Release => ("released", None),
    };
    let Some((row, after)) = close_and_book(db, id, state, actual, now).await? else {
        let is_settlement = state == "settled";
        return Ok(match store::reservation_state(db, id).await? {
            Some(before) => Closed::Before { is_late_settlement: is_settlement && before == "released" },
            None => Closed::NeverMade,
        });
    };
    let month: Month =
        row.month.parse().map_err(|source| Error::new(ErrorKind::Store, "a reservation names no month").with_source(source))?;
    let spent = row.actual_micro.unwrap_or(MicroUsd::ZERO);
    let mut notices = Vec::new();
    if spent > row.amount_micro {
        let overrun = Notice::Overrun { month, action: row.action, held: row.amount_micro, actual: spent };
        events::append(db, &overrun.event(now)).await?;
        notices.push(overrun);
    }
    let due = Notice::due(month, &after.totals, after.alerted, config, None);
    notices.extend(claim_alert(db, due, &row.month, now).await?);
    Ok(Closed::Now(notices))
}

/// The reservation, its month, its row of the shared log and its event, all together.
async fn close_and_book(
    db: &mut Db<'_>,
    id: Id,
    state: &'static str,
    actual: Option<MicroUsd>,
    now: Timestamp,
) -> Result<Option<(ClosedRow, MonthState)>> {
    match db {
        Db::Sqlite(conn) => store::close_at_once(conn, id, state, actual, now).await,
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => close_step_by_step(db, id, state, actual, now).await,
    }
}

#[cfg(feature = "postgres")]
async fn close_step_by_step(
    db: &mut Db<'_>,
    id: Id,
    state: &'static str,
    actual: Option<MicroUsd>,
    now: Timestamp,
) -> Result<Option<(ClosedRow, MonthState)>> {
    let Some(row) = store::close(db, id, state, actual, now).await? else { return Ok(None) };
    let spent = row.actual_micro.unwrap_or(MicroUsd::ZERO);
    let moved = if row.essential {
        MonthTotals { essential_settled: spent, essential_reserved: row.amount_micro, ..MonthTotals::default() }
    } else {
        MonthTotals { settled: spent, reserved: row.amount_micro, ..MonthTotals::default() }
    };
    let after = store::book(db, &row.month, &moved).await?;
    if row.actual_micro.is_some() {
        store::log(db, id, &row, spent, now).await?;
    }
    events::append(db, &closing_event(id, &row, now)).await?;
    Ok(Some((row, after)))
}

#[cfg(feature = "postgres")]
fn closing_event(id: Id, row: &ClosedRow, now: Timestamp) -> Event {
    let (kind, cost) = match row.actual_micro {
        Some(actual) => ("cost.settled", actual),
        None => ("cost.released", MicroUsd::ZERO),
    };
    let data = json!({
        "reservation": id, "month": row.month, "reserved_usd": row.amount_micro, "cost_usd": cost,
        "essential": row.essential, "call_key": row.call_key,
    });
    Event::new(now, kind, row.action.as_str()).with_data(data)
}

/// Takes the right to send an alert, so that exactly one process sends it.
pub(super) async fn claim_alert(db: &mut Db<'_>, due: Option<Notice>, month: &str, now: Timestamp) -> Result<Option<Notice>> {
    let Some(notice) = due else { return Ok(None) };
    let is_ours = match notice {
        Notice::Cap { .. } => store::mark_hard_alert(db, month, now).await?,
        _ => store::mark_soft_alert(db, month, now).await?,
    };
    if !is_ours {
        return Ok(None);
    }
    events::append(db, &notice.event(now)).await?;
    Ok(Some(notice))
}

/// Adds rows of other programs to their month.
pub(super) async fn add_foreign(
    db: &mut Db<'_>,
    month: Month,
    amount: MicroUsd,
    config: &CostConfig,
    now: Timestamp,
) -> Result<Option<Notice>> {
    let key = month.to_string();
    store::add_month(db, &key).await?;
    let after = store::book(db, &key, &MonthTotals { settled: amount, ..MonthTotals::default() }).await?;
    // A past month's cap stops nothing any more.
    let is_current = now < month.end(config.zone);
    let due = if is_current { Notice::due(month, &after.totals, after.alerted, config, None) } else { None };
    claim_alert(db, due, &key, now).await
}
