//! The shell around the decisions: looks at the clock and the log, writes what was decided, and starts runs.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;

use super::apart::due_apart;
use super::handle::{Inner, Look, Schedule};
use super::holdings::Hold;
use super::run::Run;
use super::store::{self, Firing, Missing};
use super::{Due, FiresOn, Job, Mark, Missed, Origin, Overlap, Part, Plan, due};
use crate::lease::{Apart, Authority, Standing, holds, still_holds};
use crate::store::Db;
use crate::{Event, Id, Result, Side, Timestamp, events};

/// The shortest wait between two looks.
const SHORTEST_WAIT: Duration = Duration::from_millis(20);
/// How soon is looked again at what could not be decided or written.
const RETRY: Duration = Duration::from_secs(2);
/// A mark that lags no more than this behind is not worth a write.
const LAG: TimeDelta = TimeDelta::hours(1);

/// What one look at the schedule did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoundSummary {
    /// Slots that were fired.
    pub fired: usize,
    /// Slots that were logged as missed.
    pub missed: usize,
    /// Runs whose runner had vanished.
    pub abandoned: usize,
}

/// What a plan came to.
struct Written {
    authority: Option<Authority>,
    fired: Vec<(Id, Timestamp, Hold)>,
    missed: usize,
}

impl Schedule {
    /// Fires what is due until the process ends, or [`Schedule::close`]: looks when the next slot comes, when the leadership changes, and in between for steps
    /// of the clock.
    pub async fn run(&self) {
        let inner = &self.inner;
        inner.firing.store(true, Ordering::Relaxed);
        let mut leadership = inner.leadership.clone();
        while !inner.closing.is_cancelled() {
            let wait = match self.round().await {
                Ok(_) => self.wait(),
                Err(error) => {
                    tracing::warn!(%error, "the schedule cannot be looked after; it is tried again");
                    self.wait().max(RETRY.min(inner.config.look_every))
                }
            };
            tokio::select! {
                () = inner.closing.cancelled() => {}
                () = leadership.changed() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
        inner.firing.store(false, Ordering::Relaxed);
    }

    /// Looks once: fires what is due here, and logs what was missed. What was fired runs on by itself.
    ///
    /// # Errors
    /// The store's. What was not written is decided on again in the next round.
    pub async fn round(&self) -> Result<RoundSummary> {
        let inner = &self.inner;
        let mut summary = RoundSummary { abandoned: self.recover().await?, ..RoundSummary::default() };
        let mut failed = None;
        for job in inner.jobs.iter().filter(|job| job.enabled) {
            match self.look_after(job).await {
                Ok(written) => {
                    summary.fired += written.fired.len();
                    summary.missed += written.missed;
                    for (id, slot, hold) in written.fired {
                        self.start(Run { id, slot, job: job.clone(), hold, authority: written.authority.clone() });
                    }
                }
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(summary), Err)
    }

    pub(super) fn start(&self, run: Run) {
        self.inner.runs.spawn(run.carry_out(Arc::clone(&self.inner)));
    }

    async fn look_after(&self, job: &Job) -> Result<Written> {
        let inner = &self.inner;
        let nothing = Written { authority: None, fired: Vec::new(), missed: 0 };
        let part = Part::of(job.fires_on, inner.side, &inner.leadership.standing());
        let now = inner.clock.now();
        if inner.is_quiet(job, part, now) {
            return Ok(nothing);
        }
        let later = Look { part, at: now, again: Some(now + RETRY) };
        let Some(authority) = inner.authority(job) else {
            inner.looked(job, later);
            return Ok(nothing);
        };
        // After the authority, so that what comes with a later one only holds more back.
        let apart = inner.apart(job);
        let timing = job.timing.to_string();
        let mut connection = inner.store.read().await?;
        let mark = store::mark(&mut connection.db(), &job.name, &timing).await?.filter(|mark| mark.first_start <= now);
        let Some(mark) = mark else {
            drop(connection);
            let since = apart.map_or(now, |apart| apart.seen_until.unwrap_or(apart.from).min(now));
            self.begin(job, timing, since, now).await?;
            inner.looked(job, Look { part, at: now, again: job.timing.after(since) });
            return Ok(nothing);
        };
        let known = store::known(&mut connection.db(), &job.name, mark.from(now) - TimeDelta::seconds(1)).await?;
        drop(connection);
        let plan = match &apart {
            Some(apart) => due_apart(job, &mark, &known, now, part, apart),
            None => due(job, &mark, &known, now, part),
        };
        let again = plan.look_again;
        let is_behind = plan.settled_until - mark.settled_until > LAG || mark.settled_until > now;
        if plan.due.is_empty() && !is_behind {
            inner.looked(job, Look { part, at: now, again });
            return Ok(nothing);
        }
        let written = self.write(job, timing, mark, plan, authority, now).await?;
        inner.looked(job, if written.is_some() { Look { part, at: now, again } } else { later });
        Ok(written.unwrap_or(nothing))
    }

    /// The first look at a job: what was due before is not this program's.
    async fn begin(&self, job: &Job, timing: String, since: Timestamp, now: Timestamp) -> Result<()> {
        let name = job.name.clone();
        let begun = self.inner.store.write(move |mut db| {
            Box::pin(async move {
                store::start(&mut db, &name, &timing, Mark::starting(since)).await?;
                // A start in the future was written by a clock that went wrong.
                match store::mark(&mut db, &name, &timing).await? {
                    Some(mark) if mark.first_start > now => store::set_mark(&mut db, &name, &timing, Mark::starting(since)).await,
                    _ => Ok(()),
                }
            })
        });
        begun.await
    }

    /// Writes a plan in one transaction; `None` when it has to be made anew: the authority is gone, or somebody else runs the job.
    async fn write(
        &self,
        job: &Job,
        timing: String,
        mark: Mark,
        plan: Plan,
        authority: Authority,
        now: Timestamp,
    ) -> Result<Option<Written>> {
        let (inner, job) = (Arc::clone(&self.inner), job.clone());
        let written = self.inner.store.write(move |mut db| {
            Box::pin(async move {
                if !holds(&mut db, &authority).await? {
                    return Ok(None);
                }
                store::lock(&mut db, &job.name).await?;
                let fires = plan.due.iter().any(|due| matches!(due, Due::Fire(_)));
                if fires && job.overlap == Overlap::Forbid && store::running(&mut db, &job.name).await?.is_some() {
                    return Ok(None);
                }
                let mut written = Written { authority: Some(authority.clone()), fired: Vec::new(), missed: 0 };
                for due in &plan.due {
                    inner.write_one(&mut db, &job, *due, authority.epoch(), now, &mut written).await?;
                }
                store::set_mark(&mut db, &job.name, &timing, Mark { settled_until: plan.settled_until, ..mark }).await?;
                still_holds(&mut db, &authority).await?;
                Ok(Some(written))
            })
        });
        let written = written.await?;
        self.inner.events.announce();
        Ok(written)
    }

    /// How long nothing can become due.
    fn wait(&self) -> Duration {
        let inner = &self.inner;
        let now = inner.clock.now();
        let looks = inner.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let next = looks.values().filter_map(|look| look.again).min();
        let until = next.map_or(inner.config.look_every, |next| (next - now).to_std().unwrap_or_default());
        until.clamp(SHORTEST_WAIT, inner.config.look_every)
    }
}

impl Inner {
    /// The right to fire the job: what only this machine does needs no lease, since nobody else fires it.
    pub(super) fn authority(&self, job: &Job) -> Option<Authority> {
        match (job.fires_on, self.side) {
            (FiresOn::Local, Side::Local) => Some(Authority::Alone),
            (FiresOn::Local, Side::Cloud) => None,
            (FiresOn::Cloud | FiresOn::Either, _) => self.leadership.authority(),
        }
    }

    /// What the job's slots are to be measured by where the other side's log cannot be read.
    pub(super) fn apart(&self, job: &Job) -> Option<Apart> {
        match self.leadership.standing() {
            Standing::Apart(apart) if job.fires_on != FiresOn::Local => Some(apart),
            _ => None,
        }
    }

    fn is_quiet(&self, job: &Job, part: Part, now: Timestamp) -> bool {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        if part == Part::Stays {
            // It wakes nobody.
            looks.remove(&job.name);
            return true;
        }
        let is_good = |look: &Look| look.part == part && look.at <= now && look.again.is_none_or(|again| now < again);
        looks.get(&job.name).is_some_and(is_good)
    }

    fn looked(&self, job: &Job, look: Look) {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner).insert(job.name.clone(), look);
    }

    async fn write_one(
        &self,
        db: &mut Db<'_>,
        job: &Job,
        due: Due,
        epoch: Option<i64>,
        now: Timestamp,
        written: &mut Written,
    ) -> Result<()> {
        let slot = match due {
            Due::Fire(slot) => slot,
            Due::Miss(slot, why) => {
                written.missed += usize::from(self.miss(db, job, slot, why, now).await?);
                return Ok(());
            }
        };
        let Some(hold) = self.holdings.hold(&job.name, slot) else { return Ok(()) };
        let firing =
            Firing { job: &job.name, slot, side: self.side, origin: Origin::Schedule, event: None, runner: &self.runner, epoch };
        let Some(id) = store::fire(db, &firing, Missing::Respect, self.config.lease, now).await? else { return Ok(()) };
        written.fired.push((id, slot, hold));
        let data = json!({ "slot": slot, "env": self.side, "epoch": epoch });
        events::append(db, &Event::new(now, "cron.fired", job.name.as_str()).with_data(data)).await
    }

    /// Logs the slot as missed if nothing is known of it; says whether it did.
    pub(super) async fn miss(&self, db: &mut Db<'_>, job: &Job, slot: Timestamp, why: Missed, now: Timestamp) -> Result<bool> {
        let why = why.to_string();
        let is_new = store::miss(db, &job.name, slot, self.side, &why, now).await?;
        if is_new {
            let data = json!({ "slot": slot, "reason": why });
            events::append(db, &Event::new(now, "cron.missed", job.name.as_str()).with_data(data)).await?;
        }
        Ok(is_new)
    }
}
