//! Two sides, a database and the links between them, with everything failing at random: never two that act.

use std::time::Duration;

use super::super::{
    Failover, FailoverConfig, GRANT_EVERY, GrantBook, LeaseAnswer, Notice, Order, Phase, ProbeFailure, Reading, TwoNodeMode,
};
use crate::lease::LeaseTiming;
use crate::testing::Dice;

/// The lease's row, by the database's clock.
#[derive(Default)]
struct Row {
    holder: Option<&'static str>,
    expires_at: Duration,
}

impl Row {
    fn acquire(&mut self, who: &'static str, at: Duration) -> bool {
        let is_free = self.holder.is_none() || self.expires_at <= at;
        if is_free {
            self.holder = Some(who);
            self.expires_at = at + LeaseTiming::default().ttl;
        }
        is_free
    }

    fn renew(&mut self, who: &'static str, at: Duration) -> bool {
        let is_ours = self.holder == Some(who);
        if is_ours {
            self.expires_at = at + LeaseTiming::default().ttl;
        }
        is_ours
    }
}

/// What one side knows of its own lease.
#[derive(Default)]
struct Keeper {
    act_until: Option<Duration>,
    renewed_at: Duration,
}

impl Keeper {
    fn acts(&self, at: Duration) -> bool {
        self.act_until.is_some_and(|until| at < until)
    }
}

/// Which links work, and who lives.
#[derive(Clone, Copy)]
struct World {
    cloud_seen: bool,
    local_database: bool,
    cloud_database: bool,
    cloud_lives: bool,
    own_network: bool,
}

const SECONDS: u64 = 4 * 3_600;

#[derive(Default)]
struct Totals {
    takeovers: u32,
    returns: u32,
    longest_idle: u64,
    /// Seconds from when the cloud could not be seen any more to its failure, and from when nothing stood in the way to the takeover.
    detected: Vec<u64>,
    taken: Vec<u64>,
}

impl Totals {
    fn add(&mut self, other: Self) {
        self.takeovers += other.takeovers;
        self.returns += other.returns;
        self.longest_idle = self.longest_idle.max(other.longest_idle);
        self.detected.extend(other.detected);
        self.taken.extend(other.taken);
    }
}

fn percentiles(mut times: Vec<u64>) -> String {
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    format!("p50 {} s, p99 {} s, of {}", at(50), at(99), times.len())
}

/// Two hundred runs.
fn runs(config: &FailoverConfig, healing: u64) -> Totals {
    let mut totals = Totals::default();
    for seed in 1..=200 {
        let drift = [1.0, 0.95, 1.05][usize::try_from(seed % 3).expect("a number below three")];
        totals.add(shared(seed, drift, config.clone(), healing));
    }
    println!("detection: {}", percentiles(totals.detected.clone()));
    println!("takeover: {}", percentiles(totals.taken.clone()));
    totals
}

/// Four hours; `drift` is what the local side's clock shows when an hour has passed, `healing` in how many of 400 seconds everything is
/// mended.
fn shared(seed: u64, drift: f64, config: FailoverConfig, healing: u64) -> Totals {
    let timing = LeaseTiming::default();
    let mut dice = Dice::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut world = World { cloud_seen: true, local_database: true, cloud_database: true, cloud_lives: true, own_network: true };
    let (mut row, mut cloud, mut local) = (Row::default(), Keeper::default(), Keeper::default());
    let mut failover = Failover::new(config, TwoNodeMode::Shared);
    let (mut totals, mut unseen_since, mut vacant_since) = (Totals::default(), None::<u64>, None::<u64>);
    let (mut look_at, mut idle, mut last_handover) = (Duration::ZERO, 0, None::<u64>);
    for second in 0..SECONDS {
        let (at, local_at) = (Duration::from_secs(second), Duration::from_secs_f64(second as f64 * drift));
        let rolled = dice.roll(400);
        match rolled {
            0 => world.cloud_seen ^= true,
            1 => world.local_database ^= true,
            2 => world.cloud_database ^= true,
            3 => world.cloud_lives ^= true,
            4 => world.own_network ^= true,
            5.. if rolled < 5 + healing => {
                world =
                    World { cloud_seen: true, local_database: true, cloud_database: true, cloud_lives: true, own_network: true }
            }
            _ => {}
        }
        let is_unseen = world.own_network && !(world.cloud_seen && world.cloud_lives);
        let is_vacant = is_unseen && world.local_database && !(world.cloud_lives && world.cloud_database);
        unseen_since = unseen_since.or(Some(second)).filter(|_| is_unseen);
        vacant_since = vacant_since.or(Some(second)).filter(|_| is_vacant);
        if !world.cloud_lives {
            cloud = Keeper::default();
        } else if world.cloud_database && at.saturating_sub(cloud.renewed_at) >= timing.renew_every {
            cloud.renewed_at = at;
            let has = if cloud.acts(at) { row.renew("cloud", at) } else { row.acquire("cloud", at) };
            cloud.act_until = has.then(|| at + timing.act_for);
        }
        let reaches_database = world.local_database && world.own_network;
        let mut orders = failover.tick(local_at);
        if local.act_until.is_some() && reaches_database && local_at.saturating_sub(local.renewed_at) >= timing.renew_every {
            local.renewed_at = local_at;
            if row.renew("local", at) {
                local.act_until = Some(local_at + timing.act_for);
            } else {
                local.act_until = None;
                orders.extend(failover.lease(LeaseAnswer::Lost, local_at));
            }
        } else if local.act_until.is_some() && !local.acts(local_at) {
            local.act_until = None;
            orders.extend(failover.lease(LeaseAnswer::Lost, local_at));
        }
        if local_at >= look_at {
            let reading = match world {
                World { own_network: false, .. } => Reading::OwnNetworkDown,
                World { cloud_seen: true, cloud_lives: true, .. } => Reading::Good,
                _ => Reading::Bad(ProbeFailure::Timeout),
            };
            orders.extend(failover.observe(reading, local_at));
            look_at = local_at + failover.next_look();
        }
        while let Some(order) = orders.pop() {
            match order {
                Order::AskForLease if reaches_database && local.act_until.is_none() => {
                    let answer = if row.acquire("local", at) { LeaseAnswer::Held } else { LeaseAnswer::ByOther };
                    if answer == LeaseAnswer::Held {
                        (local.act_until, local.renewed_at) = (Some(local_at + timing.act_for), local_at);
                    }
                    orders.extend(failover.lease(answer, local_at));
                }
                Order::HandBack => {
                    if reaches_database && row.holder == Some("local") {
                        row.holder = None;
                    }
                    local.act_until = None;
                    totals.returns += 1;
                }
                Order::Tell(Notice::CloudFailed) => totals.detected.extend(unseen_since.map(|since| second - since)),
                Order::Tell(Notice::TookOver) => {
                    totals.takeovers += 1;
                    totals.taken.extend(vacant_since.map(|since| second - since));
                    last_handover = Some(second);
                }
                Order::Drain => {
                    let since = last_handover.map_or(u64::MAX, |before| second - before);
                    assert!(since as f64 * drift >= 599.0, "seed {seed}: handed back {since} s after the last hand-over");
                }
                _ => {}
            }
        }
        let local_acts = matches!(failover.phase(), Phase::Active | Phase::Draining) && local.acts(local_at);
        let cloud_acts = world.cloud_lives && cloud.acts(at);
        assert!(!(local_acts && cloud_acts), "seed {seed}, second {second}: both act");
        let could = world.own_network && world.local_database && (world.cloud_database || !world.cloud_lives);
        idle = if local_acts || cloud_acts || !could { 0 } else { idle + 1 };
        totals.longest_idle = totals.longest_idle.max(idle);
    }
    totals
}

#[test]
fn with_a_shared_database_never_two_act_whatever_fails() {
    let Totals { takeovers, returns, longest_idle, .. } = runs(&FailoverConfig::fast(), 8);
    assert!(takeovers > 200 && returns > 100, "the run shows little: {takeovers} takeovers, {returns} returns");
    assert!(longest_idle <= 60, "nobody acted for {longest_idle} s although somebody could have");
}

#[test]
fn with_the_usual_times_never_two_act_either_and_nobody_waits_longer_than_is_said() {
    let Totals { takeovers, returns, longest_idle, .. } = runs(&FailoverConfig::default(), 2);
    assert!(takeovers > 200 && returns > 50, "the run shows little: {takeovers} takeovers, {returns} returns");
    assert!(longest_idle <= 220, "nobody acted for {longest_idle} s although somebody could have");
}

/// Four hours of grants over a link that delays, loses and repeats.
fn grants(seed: u64, drift: f64) -> u32 {
    let mut dice = Dice::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut failover = Failover::new(FailoverConfig::fast(), TwoNodeMode::LocalGrants);
    let (mut book, mut link_up, mut cloud_lives) = (GrantBook::default(), true, true);
    let (mut challenge, mut under_way, mut look_at, mut grant_at) = (None, Vec::new(), Duration::ZERO, Duration::ZERO);
    let mut takeovers = 0;
    for second in 0..SECONDS {
        let (at, local_at) = (Duration::from_secs(second), Duration::from_secs_f64(second as f64 * drift));
        match dice.roll(300) {
            0 => link_up ^= true,
            1 => {
                cloud_lives ^= true;
                // Its monotonic clock starts anew with it, and so does its book.
                book = GrantBook::default();
            }
            2..=6 => (link_up, cloud_lives) = (true, true),
            _ => {}
        }
        let mut orders = failover.tick(local_at);
        if local_at >= look_at {
            let is_good = link_up && cloud_lives;
            if is_good {
                challenge = Some(book.challenge(at));
            }
            let reading = if is_good { Reading::Good } else { Reading::Bad(ProbeFailure::Unreachable) };
            orders.extend(failover.observe(reading, local_at));
            look_at = local_at + failover.next_look();
        }
        if local_at >= grant_at
            && failover.may_grant()
            && let Some(challenge) = challenge
        {
            grant_at = local_at + GRANT_EVERY;
            failover.granted(local_at);
            // It may arrive at once, late, twice or never.
            for _ in 0..dice.roll(3) {
                under_way.push((at + Duration::from_secs(dice.roll(40)), challenge));
            }
        }
        under_way.retain(|(arrives, challenge)| {
            if *arrives <= at && cloud_lives {
                let _taken = book.accept(*challenge, at);
            }
            *arrives > at
        });
        takeovers += u32::try_from(orders.iter().filter(|order| **order == Order::Lead).count()).expect("few");
        let local_acts = matches!(failover.phase(), Phase::Active | Phase::Draining);
        assert!(!(local_acts && cloud_lives && book.may_act(at)), "seed {seed}, second {second}: both act");
        if failover.phase() == Phase::Draining {
            let _orders = failover.drained(local_at);
        }
    }
    takeovers
}

#[test]
fn with_grants_never_two_act_however_late_a_grant_arrives() {
    let takeovers: u32 = (1..=200).map(|seed| grants(seed, [1.0, 0.91, 1.09][usize::try_from(seed % 3).expect("small")])).sum();
    assert!(takeovers > 100, "the run shows little: {takeovers} takeovers");
}
