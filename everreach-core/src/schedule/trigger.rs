//! Firing a job because somebody asks for it.

use std::sync::Arc;

use chrono::{SubsecRound as _, TimeDelta};
use serde::Serialize;
use serde_json::json;

use super::handle::{Inner, Schedule};
use super::holdings::Hold;
use super::run::{Run, complain};
use super::slot::Entry;
use super::store::{self, Firing, Missing};
use super::{Job, JobName, Missed, Origin, Overlap, SlotStatus};
use crate::lease::{Authority, holds, still_holds};
use crate::store::Db;
use crate::{Event, Id, Result, Timestamp, events};

/// How many forced runs may be asked for in one microsecond.
const TRIES: usize = 64;
const BY_EVENT: &str = "this event has fired it already";
const BY_ANYBODY: &str = "it has been fired already";
const BY_OTHERS: &str = "another program has fired it already";
const ELSEWHERE: &str = "another process leads, or another side has this job, and fires it";
const AWAY: &str = "it was due while this side did not lead, and the other side may have fired it: force a run if it has not";
const NO_SLOT: &str = "no slot of this job has been due yet";

/// How a job is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trigger {
    /// Whether the latest due slot is meant, or a run of its own.
    pub origin: Origin,
    /// The delivery that asks: the same one never fires twice.
    pub event: Option<String>,
}

impl Trigger {
    /// The latest slot that is due, if nobody has fired it; one that was logged as missed is fired after all.
    #[must_use]
    pub const fn latest() -> Self {
        Self { origin: Origin::Call, event: None }
    }

    /// A run now, with a slot of its own, whatever the schedule says.
    #[must_use]
    pub const fn forced() -> Self {
        Self { origin: Origin::Forced, event: None }
    }

    /// Names the delivery, so that its repeats are known.
    #[must_use]
    pub fn with_event(mut self, event: impl Into<String>) -> Self {
        self.event = Some(event.into());
        self
    }
}

/// What came of asking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Triggered {
    /// The job.
    pub job: JobName,
    /// The slot; none when there is none yet.
    pub slot: Option<Timestamp>,
    /// Whether this fired it. It runs on by itself.
    pub fired: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

enum Answer {
    Fired { id: Id, slot: Timestamp, hold: Hold, authority: Option<Authority> },
    Not(Option<Timestamp>, String),
}

impl Schedule {
    /// Fires a job now, if it may be; `None` when there is no such job.
    ///
    /// # Errors
    /// The store's.
    pub async fn trigger(&self, name: &JobName, trigger: Trigger) -> Result<Option<Triggered>> {
        let Some(job) = self.inner.jobs.get(name).cloned() else { return Ok(None) };
        // Where nobody else looks after the jobs, this is when what was fired and not started is found.
        complain(self.recover().await.map(drop), "what others left running could not be looked after");
        let (inner, now) = (Arc::clone(&self.inner), self.inner.clock.now());
        let wanted = job.clone();
        let answer =
            self.inner.store.write(move |mut db| Box::pin(async move { inner.answer(&mut db, &wanted, &trigger, now).await }));
        let answer = answer.await?;
        self.inner.events.announce();
        let name = job.name.clone();
        Ok(Some(match answer {
            Answer::Fired { id, slot, hold, authority } => {
                self.start(Run { id, slot, job, hold, authority });
                Triggered { job: name, slot: Some(slot), fired: true, reason: None }
            }
            Answer::Not(slot, reason) => Triggered { job: name, slot, fired: false, reason: Some(reason) },
        }))
    }
}

impl Inner {
    async fn answer(&self, db: &mut Db<'_>, job: &Job, trigger: &Trigger, now: Timestamp) -> Result<Answer> {
        store::lock(db, &job.name).await?;
        let not = |slot, reason: &str| Ok(Answer::Not(slot, reason.to_owned()));
        if let Some(event) = &trigger.event
            && let Some(slot) = store::fired_by(db, &job.name, event).await?
        {
            return not(Some(slot), BY_EVENT);
        }
        if trigger.origin == Origin::Forced {
            return self.force(db, job, trigger, now).await;
        }
        let Some(slot) = job.timing.latest(now) else { return not(None, NO_SLOT) };
        let Some(authority) = self.authority(job) else { return not(Some(slot), ELSEWHERE) };
        if !holds(db, &authority).await? {
            return not(Some(slot), ELSEWHERE);
        }
        let known = store::known(db, &job.name, slot - TimeDelta::microseconds(1)).await?;
        let has_row = known.rows.iter().any(|row| row.slot == slot);
        if !has_row && known.entry(slot, job.timing.after(slot), now) == Entry::Settled {
            return not(Some(slot), BY_OTHERS);
        }
        if let Some(apart) = self.apart(job).filter(|apart| slot <= apart.from) {
            let is_open = known.rows.iter().all(|row| row.slot != slot || row.status == SlotStatus::Missed);
            if !has_row && apart.seen_until.is_none_or(|seen| slot > seen) {
                self.miss(db, job, slot, Missed::Elsewhere, now).await?;
            }
            return not(Some(slot), if is_open { AWAY } else { BY_ANYBODY });
        }
        match known.running {
            Some(running) if running != slot && job.overlap == Overlap::Forbid => {
                return not(Some(slot), &format!("the slot {} is still running", super::slot_text(running)));
            }
            _ => {}
        }
        match self.fire(db, job, trigger, slot, Some(&authority), now).await? {
            Some((id, hold)) => {
                still_holds(db, &authority).await?;
                Ok(Answer::Fired { id, slot, hold, authority: Some(authority) })
            }
            None => not(Some(slot), BY_ANYBODY),
        }
    }

    /// A slot that no schedule has: slots of schedules are whole seconds.
    async fn force(&self, db: &mut Db<'_>, job: &Job, trigger: &Trigger, now: Timestamp) -> Result<Answer> {
        let mut slot = if now.trunc_subsecs(0) == now { now + TimeDelta::microseconds(1) } else { now };
        let authority = self.authority(job);
        for _ in 0..TRIES {
            if let Some((id, hold)) = self.fire(db, job, trigger, slot, authority.as_ref(), now).await? {
                return Ok(Answer::Fired { id, slot, hold, authority: None });
            }
            slot += TimeDelta::microseconds(1);
        }
        Ok(Answer::Not(Some(slot), BY_ANYBODY.to_owned()))
    }

    async fn fire(
        &self,
        db: &mut Db<'_>,
        job: &Job,
        trigger: &Trigger,
        slot: Timestamp,
        authority: Option<&Authority>,
        now: Timestamp,
    ) -> Result<Option<(Id, Hold)>> {
        let Some(hold) = self.holdings.hold(&job.name, slot) else { return Ok(None) };
        let epoch = authority.and_then(Authority::epoch);
        let firing = Firing {
            job: &job.name,
            slot,
            side: self.side,
            origin: trigger.origin,
            event: trigger.event.as_deref(),
            runner: &self.runner,
            epoch,
        };
        let missing = if trigger.origin == Origin::Forced { Missing::Respect } else { Missing::FireAnyway };
        let fired = store::fire(db, &firing, missing, self.config.lease, now).await?;
        if fired.is_some() {
            let data = json!({ "slot": slot, "env": self.side, "epoch": epoch, "by": trigger.origin, "event": trigger.event });
            events::append(db, &Event::new(now, "cron.fired", job.name.as_str()).with_data(data)).await?;
        }
        Ok(fired.map(|id| (id, hold)))
    }
}
