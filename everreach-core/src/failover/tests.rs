//! What the machine orders, case by case.

use std::time::Duration;

use super::{Failover, FailoverConfig, LeaseAnswer, Notice, Order, Phase, ProbeFailure, Reading, TwoNodeMode};
use crate::ErrorKind;

mod simulation;

const BAD: Reading = Reading::Bad(ProbeFailure::Timeout);

fn at(second: u64) -> Duration {
    Duration::from_secs(second)
}

/// One whose cloud has failed at second 14.
fn armed(mode: TwoNodeMode) -> (Failover, Vec<Order>) {
    let mut failover = Failover::new(FailoverConfig::fast(), mode);
    let mut orders = Vec::new();
    for second in [10, 12, 14] {
        orders = failover.observe(BAD, at(second));
    }
    (failover, orders)
}

fn active() -> Failover {
    let (mut failover, _) = armed(TwoNodeMode::Shared);
    assert_eq!(failover.lease(LeaseAnswer::Held, at(20)), [Order::Lead, Order::Tell(Notice::TookOver)]);
    failover
}

/// Good looks every ten seconds; what was ordered, and when.
fn good_until(failover: &mut Failover, from: u64, until: u64) -> Vec<(u64, Order)> {
    (from..=until)
        .step_by(10)
        .flat_map(|second| failover.observe(Reading::Good, at(second)).into_iter().map(move |order| (second, order)))
        .collect()
}

#[test]
fn three_failures_only_arm_it_and_the_lease_decides() {
    let (mut failover, orders) = armed(TwoNodeMode::Shared);
    assert_eq!(orders, [Order::Tell(Notice::CloudFailed), Order::AskForLease]);
    assert_eq!(failover.lease(LeaseAnswer::ByOther, at(15)), [Order::Tell(Notice::CloudAliveUnseen)]);
    for second in 16..600 {
        assert_eq!(failover.observe(BAD, at(second)), [Order::AskForLease]);
        assert_eq!(failover.lease(LeaseAnswer::ByOther, at(second)), [], "it was told");
    }
    assert_eq!(failover.phase(), Phase::Armed);
}

#[test]
fn the_work_goes_back_after_a_minute_of_good_answers_and_no_sooner_than_ten_minutes_after_the_last_hand_over() {
    let mut failover = active();
    let orders = good_until(&mut failover, 30, 640);
    assert_eq!(orders, [(50, Order::Tell(Notice::CloudRestored)), (620, Order::Drain)]);
    assert_eq!(failover.drained(at(645)), [Order::HandBack, Order::Tell(Notice::HandedBack)]);
    assert_eq!((failover.phase(), failover.drained(at(646))), (Phase::Standby, vec![]));
}

#[test]
fn a_drain_that_does_not_end_is_ended_after_half_a_minute() {
    let mut failover = active();
    let _orders = good_until(&mut failover, 30, 620);
    assert_eq!(failover.tick(at(649)), []);
    assert_eq!(failover.tick(at(650)), [Order::HandBack, Order::Tell(Notice::HandedBack)]);
}

#[test]
fn a_cloud_that_goes_away_again_while_the_work_is_handed_back_does_not_get_it() {
    let mut failover = active();
    let _orders = good_until(&mut failover, 30, 620);
    assert_eq!(failover.phase(), Phase::Draining);
    let orders: Vec<_> = [622, 624, 626].into_iter().flat_map(|second| failover.observe(BAD, at(second))).collect();
    assert_eq!(orders, [Order::Tell(Notice::CloudFailed), Order::Lead]);
    assert_eq!(failover.phase(), Phase::Active);
}

#[test]
fn whoever_loses_the_lease_stops_at_once_and_asks_again_while_the_cloud_is_away() {
    let mut failover = active();
    assert_eq!(failover.lease(LeaseAnswer::Lost, at(60)), [Order::Tell(Notice::LeaseLost), Order::Follow]);
    assert_eq!((failover.phase(), failover.tick(at(61))), (Phase::Armed, vec![Order::AskForLease]));
}

#[test]
fn a_lease_that_comes_after_the_cloud_is_back_is_given_back() {
    let (mut failover, _) = armed(TwoNodeMode::Shared);
    let _orders = good_until(&mut failover, 20, 40);
    assert_eq!((failover.phase(), failover.lease(LeaseAnswer::Held, at(41))), (Phase::Standby, vec![Order::HandBack]));
}

#[test]
fn with_nothing_shared_a_person_takes_over_and_only_once_the_cloud_has_failed() {
    let mut failover = Failover::new(FailoverConfig::fast(), TwoNodeMode::Manual);
    assert_eq!(failover.take_over(at(5)).expect_err("the cloud answers").kind(), ErrorKind::Conflict);
    let (mut failover, orders) = armed(TwoNodeMode::Manual);
    assert_eq!(orders, [Order::Tell(Notice::CloudFailed), Order::Tell(Notice::NeedsPerson)]);
    assert_eq!(failover.tick(at(10_000)), []);
    assert_eq!(failover.take_over(at(10_001)).expect("a person may"), [Order::Lead, Order::Tell(Notice::TookOver)]);
    assert_eq!(failover.stand_down(at(10_002)).expect("a person may"), [Order::Drain]);
    let (mut shared, _) = armed(TwoNodeMode::Shared);
    assert_eq!(shared.take_over(at(20)).expect_err("the lease decides").kind(), ErrorKind::InvalidInput);
}

#[test]
fn where_the_cloud_asks_nobody_the_work_goes_back_as_soon_as_it_answers() {
    for mode in [TwoNodeMode::Manual, TwoNodeMode::Available] {
        let (mut failover, _) = armed(mode);
        if mode == TwoNodeMode::Manual {
            let _orders = failover.take_over(at(20)).expect("a person may");
        }
        let orders = good_until(&mut failover, 30, 60);
        assert_eq!(orders, [(50, Order::Tell(Notice::CloudRestored)), (50, Order::Drain)]);
    }
}

#[test]
fn grants_have_to_run_out_before_the_local_side_takes_over() {
    let mut failover = Failover::new(FailoverConfig::fast(), TwoNodeMode::LocalGrants);
    failover.grants_taken();
    failover.granted(at(9));
    for second in [10, 12, 14] {
        let _orders = failover.observe(BAD, at(second));
    }
    assert!(!failover.may_grant());
    assert_eq!(failover.tick(at(41)), []);
    assert_eq!(failover.tick(at(42)), [Order::Lead, Order::Tell(Notice::TookOver)]);
}

#[test]
fn one_that_has_just_started_waits_as_if_it_had_granted() {
    let (mut failover, _) = armed(TwoNodeMode::LocalGrants);
    failover.grants_taken();
    assert_eq!(failover.tick(at(46)), []);
    assert_eq!(failover.tick(at(47)), [Order::Lead, Order::Tell(Notice::TookOver)]);
}

#[test]
fn where_two_at_once_were_chosen_it_acts_as_soon_as_the_cloud_has_failed() {
    let (failover, orders) = armed(TwoNodeMode::Available);
    assert_eq!(orders, [Order::Tell(Notice::CloudFailed), Order::Lead, Order::Tell(Notice::TookOver)]);
    assert_eq!(failover.phase(), Phase::Active);
}

#[test]
fn another_way_to_agree_takes_away_what_the_one_before_gave() {
    let mut failover = active();
    assert_eq!(failover.agree_by(TwoNodeMode::Manual, at(30)), [Order::HandBack]);
    assert_eq!(failover.phase(), Phase::Armed);
    assert_eq!(failover.agree_by(TwoNodeMode::Manual, at(31)), []);
}

#[test]
fn a_cloud_that_never_took_a_grant_is_not_taken_over_from_by_waiting() {
    let (mut failover, orders) = armed(TwoNodeMode::LocalGrants);
    assert_eq!(orders, [Order::Tell(Notice::CloudFailed), Order::Tell(Notice::NeedsPerson)]);
    assert_eq!((failover.tick(at(10_000)), failover.cloud_acted_until(at(10_000))), (vec![], None));
    assert_eq!(failover.take_over(at(10_001)).expect("a person may"), [Order::Lead, Order::Tell(Notice::TookOver)]);
    let (mut changed, _) = armed(TwoNodeMode::LocalGrants);
    changed.grants_taken();
    assert_eq!(changed.grants_refused(), [Order::Tell(Notice::NeedsPerson)]);
    assert_eq!(changed.tick(at(10_000)), []);
}

#[test]
fn that_a_cloud_which_answers_takes_no_grant_is_said_once() {
    let mut failover = Failover::new(FailoverConfig::fast(), TwoNodeMode::LocalGrants);
    assert_eq!(good_until(&mut failover, 0, 300), [(60, Order::Tell(Notice::NotGranted))]);
    failover.accepted(at(305));
    assert_eq!(good_until(&mut failover, 310, 400), [(370, Order::Tell(Notice::NotGranted))]);
    let mut shared = Failover::new(FailoverConfig::fast(), TwoNodeMode::Shared);
    assert_eq!(good_until(&mut shared, 0, 300), []);
}

#[test]
fn what_the_cloud_may_have_done_by_its_last_grant_ends_when_the_local_side_may_act() {
    let (mut failover, _) = armed(TwoNodeMode::LocalGrants);
    failover.grants_taken();
    assert_eq!(failover.cloud_acted_until(at(50)), Some(at(50)), "nothing is known of earlier grants");
    failover.granted(at(9));
    assert_eq!(failover.cloud_acted_until(at(50)), Some(at(42)));
}
