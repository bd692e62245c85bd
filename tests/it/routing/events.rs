//! What is told of every call.

use super::*;

#[tokio::test]
async fn a_read_leaves_one_event_with_rule_target_and_outcome() {
    let bench = Bench::sqlite();
    let runtime = bench.start(Mode::Local, &Hand::working("here"), &Hand::working("there")).await;
    let envelope = runtime.route(stats()).await;
    runtime.events().flush().await;
    let events = runtime.events().read_after(0, 100).await.expect("events");
    let [event] = &events[..] else { panic!("one event: {events:?}") };
    assert_eq!((event.event.kind.as_ref(), event.event.subject.as_str()), ("call.finished", "dm.stats"));
    assert_eq!(event.event.request_id, Some(envelope.request_id));
    let data = &event.event.data;
    assert_eq!((&data["rule"], &data["target"], &data["ok"]), (&json!("environment"), &json!("local"), &json!(true)));
    assert_eq!(runtime.actions_routed_today().await.expect("a count"), 1);
    stop(runtime).await;
}

#[tokio::test]
async fn a_message_leaves_its_decision_its_money_and_its_end() {
    let bench = Bench::sqlite();
    let runtime = bench.start(Mode::Hybrid, &Hand::working("here"), &Hand::working("there")).await;
    runtime.route(dm("hi")).await;
    runtime.route(dm("hi")).await;
    let mut kinds = told(&runtime).await;
    kinds.sort_unstable();
    assert_eq!(kinds, ["call.decided", "call.finished", "call.replayed", "cost.reserved", "cost.settled"]);
    stop(runtime).await;
}

#[tokio::test]
async fn a_call_that_moves_says_why() {
    let bench = Bench::sqlite();
    let runtime =
        bench.start(Mode::Hybrid, &Hand::working("here"), &Hand::failing(Outcome::NotExecuted, ErrorKind::Unreachable)).await;
    let envelope = runtime.route(stats()).await;
    runtime.events().flush().await;
    let events = runtime.events().read_after(0, 100).await.expect("events");
    let moved = events.iter().find(|event| event.event.kind == "call.moved").expect("it says that it moved");
    assert_eq!(moved.event.request_id, Some(envelope.request_id));
    assert_eq!((&moved.event.data["to"], &moved.event.data["error"]), (&json!("local"), &json!("unreachable")));
    stop(runtime).await;
}

#[tokio::test]
async fn refusals_and_unknown_outcomes_are_told_as_well() {
    let bench = Bench::sqlite();
    let runtime =
        bench.start(Mode::Cloud, &Hand::working("here"), &Hand::failing(Outcome::Unknown, ErrorKind::OutcomeUnknown)).await;
    runtime.route(dm("hi")).await;
    runtime.route(dm("hi")).await;
    runtime.route(dm("hi").with_idempotency_key("two words")).await;
    let kinds = told(&runtime).await;
    for (kind, times) in [("call.outcome_unknown", 1), ("call.held", 1), ("call.finished", 2)] {
        assert_eq!(kinds.iter().filter(|told| *told == kind).count(), times, "{kind} in {kinds:?}");
    }
    stop(runtime).await;
}
