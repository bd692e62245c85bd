use std::time::Duration;

use proptest::prelude::{Just, Strategy, prop_assert, prop_oneof, proptest};

use super::{Diagnosis, End, Evidence, HostReading, Reason, Recovery, StartFailure, diagnose, recovery};
use crate::supervisor::agent::RestartPolicy;

const MIB: u64 = 1024 * 1024;

fn reason(evidence: &Evidence<'_>) -> Reason {
    diagnose(evidence).reason
}

#[test]
fn each_way_to_end_has_its_reason() {
    let minutes = |end| Evidence { ran_for: Duration::from_secs(300), ..Evidence::of(Ok(end)) };
    assert_eq!(reason(&minutes(End::Code(0))), Reason::CleanExit);
    assert_eq!(reason(&minutes(End::Code(1))), Reason::ExitCode);
    assert_eq!(reason(&minutes(End::Code(2))), Reason::ExitCode, "2 means a usage error only right after the start");
    assert_eq!(reason(&Evidence::of(Ok(End::Code(2)))), Reason::ConfigError);
    assert_eq!(reason(&minutes(End::Signal(11))), Reason::CrashSignal);
    assert_eq!(reason(&minutes(End::Signal(15))), Reason::Killed);
    assert_eq!(reason(&minutes(End::Signal(9))), Reason::Killed);
    assert_eq!(reason(&minutes(End::Unseen)), Reason::Unknown);
    assert_eq!(reason(&Evidence::of(Err(StartFailure::NotFound))), Reason::ExecNotFound);
    assert_eq!(reason(&Evidence::of(Err(StartFailure::Denied))), Reason::ExecDenied);
    assert_eq!(reason(&Evidence::of(Err(StartFailure::NoRoom))), Reason::HostPressure);
}

#[test]
fn a_kill_near_the_limit_is_probably_for_want_of_memory_and_one_that_the_kernel_counted_certainly() {
    let mut evidence = Evidence::of(Ok(End::Signal(9)));
    evidence.memory.limit = Some(100 * MIB);
    evidence.memory.peak = 95 * MIB;
    assert_eq!(reason(&evidence), Reason::ProbableOom);
    evidence.memory.oom_kills = true;
    assert_eq!(reason(&evidence), Reason::OomKilled);
    let mut starved = Evidence::of(Ok(End::Signal(9)));
    starved.host = HostReading { memory_free: 0.01, ..HostReading::default() };
    assert_eq!(reason(&starved), Reason::ProbableOom);
}

#[test]
fn the_last_words_tell_more_than_the_code() {
    let said = |log| reason(&Evidence::of(Ok(End::Code(1))).with_log(log));
    assert_eq!(said("OSError: [Errno 28] No space left on device"), Reason::HostPressure);
    assert_eq!(said("ModuleNotFoundError: No module named 'requests'"), Reason::ConfigError);
    assert_eq!(said("FATAL ERROR: Reached heap limit - JavaScript heap out of memory"), Reason::ProbableOom);
    let late = Evidence { ran_for: Duration::from_secs(60), ..Evidence::of(Ok(End::Code(1))) };
    assert_eq!(reason(&late.with_log("ImportError: lazily")), Reason::ExitCode);
}

#[test]
fn a_single_agent_whose_peer_is_away_has_failed_and_names_the_peer() {
    let evidence = Evidence::of(Ok(End::Code(1))).with_log("connect ECONNREFUSED 127.0.0.1:6379");
    let Diagnosis { reason, peer, .. } = diagnose(&evidence);
    assert_eq!((reason, peer.as_deref()), (Reason::ExitCode, Some("127.0.0.1:6379")));
}

#[test]
fn what_was_ordered_from_here_is_never_taken_for_a_crash() {
    for ordered in [Reason::Requested, Reason::Hung, Reason::Outdated, Reason::MemoryLimit] {
        for end in [End::Signal(9), End::Signal(15), End::Code(1), End::Code(0), End::Unseen] {
            let evidence = Evidence { ordered: Some(ordered), log_tail: "out of memory", ..Evidence::of(Ok(end)) };
            assert_eq!(reason(&evidence), ordered);
        }
    }
}

#[test]
fn nothing_is_started_again_that_was_asked_to_stop_or_that_a_start_cannot_mend() {
    for policy in [RestartPolicy::Always, RestartPolicy::OnFailure, RestartPolicy::Never] {
        assert_eq!(recovery(Reason::Requested, policy), Recovery::Stay);
        assert_ne!(recovery(Reason::ConfigError, policy), Recovery::Restart);
        assert_ne!(recovery(Reason::HostPressure, policy), Recovery::Restart);
    }
    for reason in Reason::ALL {
        let kept = matches!(recovery(reason, RestartPolicy::Never), Recovery::Stay | Recovery::GiveUp | Recovery::StartAgain);
        assert!(kept, "{reason}");
    }
}

#[test]
fn every_reason_has_its_own_word_and_reads_back() {
    for reason in Reason::ALL {
        assert_eq!(Reason::from_word(reason.as_str()), Some(reason));
    }
}

fn ends() -> impl Strategy<Value = Result<End, StartFailure>> {
    prop_oneof![
        (-1_i32..300).prop_map(|code| Ok(End::Code(code))),
        (1_i32..64).prop_map(|signal| Ok(End::Signal(signal))),
        Just(Ok(End::Unseen)),
        Just(Err(StartFailure::Other)),
    ]
}

proptest! {
    #[test]
    fn whatever_was_written_there_is_a_diagnosis_of_bounded_length(end in ends(), log in "\\PC{0,400}", seconds in 0_u64..100) {
        let evidence = Evidence { ran_for: Duration::from_secs(seconds), ..Evidence::of(end).with_log(&log) };
        let diagnosis = diagnose(&evidence);
        prop_assert!(!diagnosis.detail.is_empty());
        prop_assert!(diagnosis.detail.chars().count() <= 300);
        let is_success = matches!(end, Ok(End::Code(0)));
        prop_assert!(is_success == (diagnosis.reason == Reason::CleanExit));
    }
}
