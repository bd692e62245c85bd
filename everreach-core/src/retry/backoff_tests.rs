use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn timeout() -> Error {
    Error::new(ErrorKind::Timeout, "no answer in time")
}

#[test]
fn a_read_that_keeps_failing_waits_1_3_and_9_seconds_and_then_stops() {
    let error = timeout();
    let policy = RetryPolicy::default();
    let mut attempt = Attempt { effect: Effect::Read, ..Attempt::failed(Outcome::Unknown, &error) };
    let next: Vec<_> = (1..=4)
        .map(|number| {
            attempt.number = number;
            decide(&attempt, &policy, 0.5)
        })
        .collect();
    let again = |seconds| Next::Again(Duration::from_secs(seconds));
    assert_eq!(next, [again(1), again(3), again(9), Next::Stop(StopReason::Exhausted)]);
}

#[test]
fn the_jitter_spans_the_documented_share_both_ways() {
    let error = timeout();
    let attempt = Attempt { effect: Effect::Read, ..Attempt::failed(Outcome::Unknown, &error) };
    let policy = RetryPolicy::default();
    assert_eq!(decide(&attempt, &policy, 0.0), Next::Again(Duration::from_millis(800)));
    assert_eq!(decide(&attempt, &policy, 1.0), Next::Again(Duration::from_millis(1200)));
}

#[test]
fn an_unknown_outcome_of_anything_but_reads_and_computation_is_never_repeated() {
    for kind in ErrorKind::ALL {
        let error = Error::new(kind, "failed").with_retry(Retry::Later(Duration::ZERO));
        for effect in [Effect::Write, Effect::Outward, Effect::Process] {
            let attempt = Attempt { effect, ..Attempt::failed(Outcome::Unknown, &error) };
            assert_eq!(decide(&attempt, &RetryPolicy::default(), 0.5), Next::Stop(StopReason::OutcomeUnknown), "{kind} {effect}");
        }
    }
}

#[test]
fn what_ran_or_is_queued_is_over() {
    let error = timeout();
    for outcome in [Outcome::Executed, Outcome::Queued] {
        let attempt = Attempt { effect: Effect::Read, ..Attempt::failed(outcome, &error) };
        assert_eq!(decide(&attempt, &RetryPolicy::default(), 0.5), Next::Stop(StopReason::Final));
    }
}

#[test]
fn a_final_refusal_is_not_repeated_even_for_a_read() {
    let error = Error::new(ErrorKind::InvalidParams, "text is missing");
    let attempt = Attempt { effect: Effect::Read, ..Attempt::failed(Outcome::NotExecuted, &error) };
    assert_eq!(decide(&attempt, &RetryPolicy::default(), 0.5), Next::Stop(StopReason::Final));
}

#[test]
fn an_outward_call_that_was_turned_away_waits_as_long_as_it_was_asked_to() {
    let error = Error::new(ErrorKind::RateLimited, "slow down").with_retry(Retry::Later(7 * SECOND));
    let attempt = Attempt::failed(Outcome::NotExecuted, &error);
    assert_eq!(decide(&attempt, &RetryPolicy::default(), 0.0), Next::Again(7 * SECOND), "never earlier than asked");
    assert_eq!(decide(&attempt, &RetryPolicy::default(), 1.0), Next::Again(Duration::from_millis(8400)));
}

#[test]
fn a_wait_past_the_deadline_is_not_begun() {
    let error = Error::new(ErrorKind::RateLimited, "slow down").with_retry(Retry::Later(Duration::MAX));
    let attempt = Attempt::failed(Outcome::NotExecuted, &error);
    assert_eq!(decide(&attempt, &RetryPolicy::default(), 0.5), Next::Stop(StopReason::Deadline));
    let error = timeout();
    let attempt = Attempt {
        effect: Effect::Read,
        elapsed: 119 * SECOND,
        deadline: 120 * SECOND,
        ..Attempt::failed(Outcome::Unknown, &error)
    };
    assert_eq!(decide(&attempt, &RetryPolicy::default(), 0.5), Next::Stop(StopReason::Deadline));
}

#[test]
fn knocking_again_at_a_closed_door_is_the_policys_choice() {
    let error = Error::new(ErrorKind::Unreachable, "connection refused");
    let attempt = Attempt::failed(Outcome::NotExecuted, &error);
    assert_eq!(decide(&attempt, &RetryPolicy::default(), 0.5), Next::Stop(StopReason::Unreachable));
    let knocking = RetryPolicy { retry_unreachable: true, ..RetryPolicy::default() };
    assert_eq!(decide(&attempt, &knocking, 0.5), Next::Again(SECOND));
}

#[test]
fn a_date_in_the_past_means_now_and_rubbish_means_nothing() {
    let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    assert_eq!(parse_retry_after("Fri, 20 Nov 2026 11:00:00 GMT", now), Some(Duration::ZERO));
    for rubbish in ["", "-1", "1.5", "tomorrow", "99999999999999999999999"] {
        assert_eq!(parse_retry_after(rubbish, now), None, "{rubbish}");
    }
}
