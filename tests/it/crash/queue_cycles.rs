//! Two workers on one queue, killed again and again: no command is lost, none is sent twice, no limit is passed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use everreach_core::safari::limits::{Limit, LimitTable};
use everreach_core::safari::queue::{HistoryFilter, SafariQueue};
use everreach_core::safari::{CommandStatus, LimitedAction};
use everreach_core::store::Store;
use everreach_core::{Id, Timestamp};

use super::child::{Child, Job, Report};
use super::queue_work::{self, Plan};
use crate::support::random::below;
use crate::support::store::{number, postgres_url};

/// More than the lease, and enough to see hours and days go by.
const STEP: Duration = Duration::from_secs(1_800);

#[derive(Debug, Default)]
struct Told {
    queued: BTreeSet<Id>,
    pressed: BTreeMap<Id, Vec<u32>>,
    cycles_that_left_dispatched: usize,
    cycles_that_left_undispatched: usize,
}

impl Told {
    const fn hit_both_instants(&self) -> bool {
        self.cycles_that_left_dispatched > 0 && self.cycles_that_left_undispatched > 0
    }

    fn hear(&mut self, report: Report) {
        match report {
            Report::Queued(ids) => self.queued.extend(ids),
            Report::Pressed(id, number) => self.pressed.entry(id).or_default().push(number),
            Report::Failed(what) => panic!("{what}"),
            _ => {}
        }
    }
}

/// One life of one worker.
async fn live(plan: Plan, longest: Duration) -> Vec<Report> {
    let mut child = Child::start(&Job::Work(plan));
    let mut reports = Vec::new();
    // Some die while they start, which is when they end what others left.
    let mut left = longest / 1_000 * u32::try_from(below(1_000)).expect("small");
    if below(8) != 0 {
        while reports.last() != Some(&Report::Ready) {
            reports.push(child.next().await.expect("it gets ready"));
        }
    }
    let began = tokio::time::Instant::now();
    while let Some(report) = child.next_within(left.saturating_sub(began.elapsed())).await {
        reports.push(report);
        if began.elapsed() >= left {
            left = Duration::ZERO;
        }
    }
    child.kill().await;
    reports.extend(child.rest().await);
    reports
}

async fn nothing_is_lost_sent_twice_or_over_a_limit(url: String, cycles: u32, longest: Duration) -> String {
    let mut now: Timestamp = "2026-11-20T12:00:05Z".parse().expect("a time");
    let plan = |worker: &str, now| Plan { url: url.clone(), now, worker: worker.to_owned() };
    let (_, store) = queue_work::queue(&plan("watcher", now)).await;
    let mut told = Told::default();
    let mut played = 0;
    // A worker is killed at any instant: it goes on until both kinds were among them, as far as luck can be asked for.
    while played < cycles || (played < 10 * cycles && !told.hit_both_instants()) {
        played += 1;
        let (one, other) = tokio::join!(live(plan("one", now), longest), live(plan("other", now), longest));
        one.into_iter().chain(other).for_each(|report| told.hear(report));
        let running = "SELECT COUNT(*) FROM safari_command_queue WHERE status = 'running' AND action = 'send_dm' \
            AND everreach_dispatched_at IS";
        told.cycles_that_left_dispatched += usize::from(number(&store, format!("{running} NOT NULL")).await > 0);
        told.cycles_that_left_undispatched += usize::from(number(&store, format!("{running} NULL")).await > 0);
        now += STEP;
    }
    check_limits(&store, now).await;
    let (queue, _) = queue_work::queue(&plan("last", now + STEP)).await;
    drain(&queue, now + STEP, &mut told).await;
    check_commands(&store, &queue, &told, now).await;
    assert!(told.hit_both_instants(), "both instants were hit: {}", seen(&told));
    seen(&told)
}

fn seen(told: &Told) -> String {
    format!(
        "{} queued, {} sent at least once, cycles that left dispatched {}, undispatched {}",
        told.queued.len(),
        told.pressed.len(),
        told.cycles_that_left_dispatched,
        told.cycles_that_left_undispatched
    )
}

/// No hour and no day of any account has more than its limit.
async fn check_limits(store: &Store, now: Timestamp) {
    let conditions = queue_work::conditions(now, queue_work::LIMITS);
    for platform in ["twitter", "tiktok", "instagram"] {
        let limit = conditions.limit(platform.parse().expect("a platform"), LimitedAction::Dm);
        for (period, limit) in [("hour", limit.per_hour), ("day", limit.per_day)] {
            let most = format!(
                "SELECT CAST(COALESCE(MAX(used), 0) AS BIGINT) FROM safari_rate_limits WHERE platform = '{platform}' AND period = '{period}'"
            );
            let most = number(store, most).await;
            assert!(most > 0 && most <= i64::from(limit.expect("a limit")), "{platform}: {most} in a {period}");
        }
    }
    let limit = conditions.limits.combined();
    for (period, limit) in [("hour", limit.per_hour), ("day", limit.per_day)] {
        let most = "SELECT CAST(COALESCE(MAX(used), 0) AS BIGINT) FROM safari_rate_limits WHERE platform = 'all' AND period =";
        let most = number(store, format!("{most} '{period}'")).await;
        assert!(most > 0 && most <= i64::from(limit.expect("a limit")), "all together: {most} in a {period}");
    }
}

/// Works through what is left, without limits: nobody dies any more.
async fn drain(queue: &SafariQueue, now: Timestamp, told: &mut Told) {
    let mut conditions = queue_work::conditions(now, "{}");
    let limits: LimitTable =
        r#"{"twitter": {"dm": 100000}, "tiktok": {"dm": 100000}, "instagram": {"dm": 100000}}"#.parse().expect("limits");
    conditions.limits = limits.with_combined(Limit::default());
    for limit in everreach_core::safari::Service::ALL {
        conditions.service_limits.insert(limit, Default::default());
    }
    loop {
        let claimed = queue.claim("last", 100, &conditions).await.expect("a claim");
        if claimed.is_empty() {
            return;
        }
        for claimed in claimed {
            queue.mark_dispatched(&claimed).await.expect("the claim holds");
            if claimed.dispatchable().verb().is_outward() {
                told.hear(Report::Pressed(claimed.command().id, claimed.number()));
            }
            let outcome = everreach_core::safari::DispatchOutcome::sent("seen");
            let end = everreach_core::safari::queue::Finish::new(
                claimed,
                outcome,
                everreach_core::safari::decision::Settlement::Completed,
            );
            queue.finish(end).await.expect("the claim holds");
        }
    }
}

/// Everything that was acknowledged has come to an end, and nothing was sent again after it may have been sent.
async fn check_commands(store: &Store, queue: &SafariQueue, told: &Told, now: Timestamp) {
    assert_eq!(number(store, "SELECT COUNT(*) FROM safari_command_queue WHERE status IN ('pending', 'running')").await, 0);
    let conditions = queue_work::conditions(now, "{}");
    let (mut entries, mut after) = (BTreeMap::new(), None);
    loop {
        let page = queue.history(&HistoryFilter::default(), after, 1_000, &conditions).await.expect("a page");
        entries.extend(page.commands.into_iter().map(|entry| (entry.command.id, entry)));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    for id in &told.queued {
        let entry = entries.get(id).unwrap_or_else(|| panic!("{id} is lost"));
        let is_held = entry.command.status == CommandStatus::Failed && entry.outcome.as_deref() == Some("unknown");
        assert!(entry.command.status == CommandStatus::Completed || is_held, "{entry:?}");
    }
    for (id, numbers) in &told.pressed {
        let tries = queue.get(*id, &conditions).await.expect("a look").expect("it is there").tries;
        assert_eq!(numbers.len(), numbers.iter().collect::<BTreeSet<_>>().len(), "{id}: one claim, one send: {numbers:?}");
        for number in numbers {
            let line = tries.iter().find(|line| line.number == *number).expect("a line for each send");
            assert!(line.dispatched_at.is_some(), "{id}: it was sent without a mark: {line:?}");
            assert_ne!((line.verdict.as_deref(), line.reason.as_deref()), (Some("refused"), Some("worker_lost")), "{id}");
        }
        let may_have_run = tries.iter().filter(|line| line.verdict.as_deref() != Some("refused")).count();
        assert_eq!(may_have_run, 1, "{id}: {tries:?}");
    }
    for (period, of) in [("hour", "<> 'all'"), ("day", "<> 'all'"), ("hour", "= 'all'"), ("day", "= 'all'")] {
        let counted =
            format!("SELECT CAST(SUM(used) AS BIGINT) FROM safari_rate_limits WHERE period = '{period}' AND platform {of}");
        let happened = "SELECT COUNT(*) FROM everreach_safari_attempts AS tries JOIN safari_command_queue AS queue ON queue.id = tries.command_id \
            WHERE queue.action = 'send_dm' AND tries.verdict IN ('sent', 'unknown')";
        assert_eq!(
            number(store, counted).await,
            number(store, happened).await,
            "each {period} of {of} counts what happened, no more and no less"
        );
    }
}

/// How many cycles are wanted; fewer as a rule, since each starts two processes.
fn cycles(usual: u32) -> u32 {
    #[allow(clippy::disallowed_methods, reason = "who runs the tests says how long")]
    let wanted = std::env::var("EVERREACH_TEST_QUEUE_KILLS").ok();
    wanted.map_or(usual, |wanted| wanted.parse().expect("a number of cycles"))
}

#[tokio::test]
async fn kills_of_two_workers_lose_nothing_and_send_nothing_twice_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}/queue.db", folder.path().display());
    println!("{}", nothing_is_lost_sent_twice_or_over_a_limit(url, cycles(60), Duration::from_millis(120)).await);
}

#[tokio::test]
async fn kills_of_two_workers_lose_nothing_and_send_nothing_twice_on_postgres() {
    let url = postgres_url().await;
    println!("{}", nothing_is_lost_sent_twice_or_over_a_limit(url, cycles(20), Duration::from_millis(400)).await);
}
