use super::*;

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn opened(now: Duration, config: &BreakerConfig) -> Circuit {
    let mut circuit = Circuit::new();
    for _ in 0..config.threshold {
        let ticket = circuit.permit(now, config).expect("closed");
        circuit.failed(ticket, now, config);
    }
    circuit
}

#[test]
fn a_success_between_failures_keeps_it_closed() {
    let config = BreakerConfig::actions();
    let mut circuit = Circuit::new();
    for round in 0..10 {
        let ticket = circuit.permit(at(0), &config).expect("closed");
        if round % 3 == 2 { circuit.succeeded(ticket) } else { circuit.failed(ticket, at(0), &config) }
    }
    assert_eq!(circuit.state(at(0), &config), CircuitState::Closed);
    assert_eq!(circuit.failures(), 1);
}

#[test]
fn after_the_rest_exactly_one_trial_passes_and_its_success_closes() {
    let config = BreakerConfig::actions();
    let mut circuit = opened(at(0), &config);
    assert_eq!(circuit.permit(at(59), &config).expect_err("resting").retry_after, at(1));
    let trial = circuit.permit(at(60), &config).expect("a trial");
    assert_eq!(circuit.state(at(60), &config), CircuitState::HalfOpen);
    assert!(circuit.permit(at(60), &config).is_err(), "a second trial passed");
    circuit.succeeded(trial);
    assert_eq!(circuit.state(at(60), &config), CircuitState::Closed);
}

#[test]
fn a_failed_trial_opens_it_for_another_full_rest() {
    let config = BreakerConfig::actions();
    let mut circuit = opened(at(0), &config);
    let trial = circuit.permit(at(60), &config).expect("a trial");
    circuit.failed(trial, at(70), &config);
    assert_eq!(circuit.permit(at(129), &config).expect_err("resting").retry_after, at(1));
    assert!(circuit.permit(at(130), &config).is_ok());
}

#[test]
fn a_trial_that_is_never_heard_of_gives_its_place_up_and_its_late_result_is_ignored() {
    let config = BreakerConfig::actions();
    let mut circuit = opened(at(0), &config);
    let lost = circuit.permit(at(60), &config).expect("a trial");
    assert_eq!(circuit.permit(at(100), &config).expect_err("on its way").retry_after, at(80));
    let second = circuit.permit(at(180), &config).expect("another trial");
    circuit.failed(lost, at(181), &config);
    assert_eq!(circuit.state(at(181), &config), CircuitState::HalfOpen);
    circuit.succeeded(second);
    circuit.failed(lost, at(182), &config);
    assert_eq!((circuit.state(at(182), &config), circuit.failures()), (CircuitState::Closed, 0));
}

#[test]
fn an_abandoned_trial_lets_the_next_caller_try_at_once() {
    let config = BreakerConfig::actions();
    let mut circuit = opened(at(0), &config);
    let trial = circuit.permit(at(60), &config).expect("a trial");
    circuit.abandoned(trial);
    assert!(circuit.permit(at(60), &config).is_ok());
}

#[test]
fn failures_that_come_in_after_it_opened_do_not_lengthen_the_rest() {
    let config = BreakerConfig::actions();
    let mut circuit = Circuit::new();
    let tickets: Vec<_> = (0..5).map(|_| circuit.permit(at(0), &config).expect("closed")).collect();
    for (second, ticket) in (10..).zip(tickets) {
        circuit.failed(ticket, at(second), &config);
    }
    assert_eq!(circuit.permit(at(13), &config).expect_err("resting").retry_after, at(59), "opened by the third, at 12 s");
}

#[test]
fn a_stored_circuit_reads_back_as_it_was() {
    let config = BreakerConfig::agents();
    let circuit = opened(at(7), &config);
    let text = serde_json::to_string(&circuit).expect("json");
    assert_eq!(serde_json::from_str::<Circuit>(&text).expect("read back"), circuit);
}

#[test]
fn the_callers_own_faults_and_our_own_refusals_do_not_count() {
    for kind in [
        ErrorKind::RateLimited,
        ErrorKind::InvalidParams,
        ErrorKind::UnknownAction,
        ErrorKind::Unauthorized,
        ErrorKind::CostCapExceeded,
        ErrorKind::CircuitOpen,
        ErrorKind::Stopped,
        ErrorKind::IdempotencyConflict,
    ] {
        assert!(!counts(kind), "{kind}");
    }
    assert!(counts(ErrorKind::Timeout) && counts(ErrorKind::HandlerError));
}
