//! Cuts, kills and pauses between two processes: never two at once, and the work always comes back.

use std::time::Duration;

use super::pair::{Pair, now};
use super::proxy::Link;
use crate::support::random::below;
use crate::support::store as databases;

const FAILED: &str = "SELECT count(*) FROM everreach_events WHERE kind = 'failover.cloud_failed'";

#[tokio::test(flavor = "multi_thread")]
async fn the_mac_takes_over_from_a_cloud_that_is_killed_or_paused_and_hands_back() {
    let mut pair = Pair::start().await;
    pair.act_of("cloud").await;

    let killed = now();
    pair.kill_cloud().await;
    let taken = pair.act_of("local").await;
    let told = databases::number(
        &pair.store,
        "SELECT CAST(extract(epoch FROM max(at)) * 1000000 AS BIGINT) FROM everreach_events WHERE kind = 'failover.cloud_failed'",
    )
    .await;
    println!("killed: failed after {} ms, taken over after {} ms", (told - killed) / 1_000, (taken - killed) / 1_000);
    let back = now();
    pair.start_cloud().await;
    let handed = pair.act_of("cloud").await;
    println!("back: handed back after {} ms", (handed - back) / 1_000);

    // Paused past its lease, with its connections open: on waking it must know that its time is over.
    pair.cloud.signal("STOP");
    pair.act_of("local").await;
    pair.cloud.signal("CONT");
    pair.act_of("cloud").await;

    // Only the local side's view is cut: the cloud lives, renews, and goes on.
    let epochs = pair.spans().len();
    pair.to_cloud.set(Link::Silent);
    pair.until(
        "the local side has found that the cloud lives unseen",
        "SELECT count(*) FROM everreach_events WHERE kind = 'failover.cloud_alive_unseen'",
    )
    .await;
    pair.act_of("cloud").await;
    assert_eq!(pair.spans().len(), epochs, "nobody took over");
    pair.heal();

    // The cloud cannot renew: it stops by its own clock before the local side begins.
    pair.cloud_database.set(Link::Silent);
    pair.act_of("local").await;
    pair.heal();
    pair.act_of("cloud").await;
    assert!(pair.check().await >= 7);
    assert!(databases::number(&pair.store, FAILED).await >= 3);
}

/// What the cuts of a pair showed: how often somebody began to lead, and how long after a cut, in milliseconds, the local side found that
/// the cloud had failed, and took over. Most cuts are over sooner than that.
#[derive(Default)]
struct Shown {
    epochs: usize,
    detected: Vec<i64>,
    taken: Vec<i64>,
}

/// From each cut to the first of these moments before the next one.
fn delays(cuts: &[i64], moments: &[i64]) -> Vec<i64> {
    let ends = cuts.iter().skip(1).copied().chain([i64::MAX]);
    let first =
        |(cut, end): (&i64, i64)| moments.iter().find(|moment| **moment >= *cut && **moment < end).map(|at| (at - cut) / 1_000);
    cuts.iter().zip(ends).filter_map(first).collect()
}

fn percentiles(times: &mut [i64]) -> String {
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    format!("p50 {} ms, p99 {} ms, of {}", at(50), at(99), times.len())
}

/// When events of this kind happened, in microseconds.
async fn moments(pair: &Pair, kind: &str) -> Vec<i64> {
    let statement = format!(
        "SELECT CAST(CAST(extract(epoch FROM at) * 1000000 AS BIGINT) AS TEXT) FROM everreach_events WHERE kind = '{kind}' ORDER BY at"
    );
    databases::texts(&pair.store, statement).await.iter().map(|at| at.parse().expect("a number")).collect()
}

/// One pair through so many cuts.
async fn cuts(count: u64) -> Shown {
    let mut pair = Pair::start().await;
    let mut begun = Vec::new();
    for _ in 0..count {
        begun.push(now());
        let lasts = Duration::from_millis(below(7_000));
        match below(7) {
            0 => pair.to_cloud.set(Link::Refused),
            1 => pair.to_cloud.set(Link::Silent),
            2 => pair.cloud_database.set(Link::Silent),
            3 => pair.local_database.set(Link::Silent),
            4 => {
                pair.to_cloud.set(Link::Silent);
                pair.cloud_database.set(Link::Refused);
            }
            5 => pair.cloud.signal("STOP"),
            _ => pair.kill_cloud().await,
        }
        tokio::time::sleep(lasts).await;
        pair.heal();
        if pair.cloud.is_running() {
            pair.cloud.signal("CONT");
        } else {
            pair.start_cloud().await;
        }
        tokio::time::sleep(Duration::from_millis(below(8_000))).await;
    }
    pair.act_of("cloud").await;
    let epochs = pair.check().await;
    let (failed, taken) = (moments(&pair, "failover.cloud_failed").await, moments(&pair, "failover.took_over").await);
    Shown { epochs, detected: delays(&begun, &failed), taken: delays(&begun, &taken) }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_cuts_never_make_two_act_and_the_cloud_always_gets_its_work_back() {
    #[allow(clippy::disallowed_methods, reason = "how long the test runs is the test run's to say")]
    let count = std::env::var("EVERREACH_TEST_PARTITIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(3_u64);
    let pairs = if count < 20 { 1 } else { 5 };
    let runs = (0..pairs).map(|_| tokio::spawn(cuts(count.div_ceil(pairs))));
    let mut all = Shown::default();
    for run in futures_util::future::join_all(runs).await {
        let shown = run.expect("no two acted");
        all.epochs += shown.epochs;
        all.detected.extend(shown.detected);
        all.taken.extend(shown.taken);
    }
    println!("{count} cuts between {pairs} pairs: {} times somebody began to lead, never two at once", all.epochs);
    println!("detection {}; takeover {}", percentiles(&mut all.detected), percentiles(&mut all.taken));
}
