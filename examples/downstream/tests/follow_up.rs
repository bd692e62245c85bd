//! The business code against mocks: what it does is told by what it asks of the core's traits.

use std::sync::Arc;
use std::time::Duration;

use everreach_core::cost::{CostConfig, CostRequest, MemoryCostGuard, MockCostGuard, Reservation};
use everreach_core::mcp::{MockMcpClient, ToolResult};
use everreach_core::prelude::{Call, CostGuard, Error, ErrorKind, Execution, Executor};
use everreach_core::routing::MockExecutor;
use everreach_core::swarm::{
    ContactLease, FencingToken, LeaseRequest, MemorySwarmCoordinator, MockSwarmCoordinator, SwarmConfig, SwarmCoordinator,
};
use everreach_core::testing::{ManualClock, RecordingExecutor, ScriptedExecutor, swarm_coordinator};
use everreach_core::{Clock, Id, MicroUsd, Retry, SharedClock};
use mockall::predicate::{always, function};
use outreach::{FollowUp, Outcome};

fn leasing() -> MockSwarmCoordinator {
    let mut coordinator = MockSwarmCoordinator::new();
    coordinator.expect_acquire().returning(|request| {
        let now = "2026-11-20T12:00:00Z".parse().expect("a time");
        Ok(ContactLease::new(&request, FencingToken::new(7), Duration::from_secs(60), now))
    });
    coordinator.expect_release().once().withf(|lease| lease.token == FencingToken::new(7)).returning(|_| Ok(()));
    coordinator
}

fn reserving() -> MockCostGuard {
    let mut guard = MockCostGuard::new();
    guard
        .expect_reserve()
        .once()
        .withf(|request: &CostRequest| !request.is_essential)
        .returning(|request| Ok(Reservation::new(Id::new(), "2026-11", &request)));
    guard
}

fn writing(answer: fn() -> everreach_core::Result<ToolResult>) -> MockMcpClient {
    let mut writer = MockMcpClient::new();
    writer.expect_call_tool().once().withf(|call| call.arguments["contact"] == "ada").returning(move |_| answer());
    writer
}

fn follow_up(
    coordinator: impl SwarmCoordinator,
    guard: impl CostGuard,
    writer: MockMcpClient,
    sender: Arc<dyn Executor>,
) -> FollowUp {
    let (coordinator, guard, writer) = (Arc::new(coordinator), Arc::new(guard), Arc::new(writer));
    FollowUp { agent_id: "followup-1a2b3c4d".into(), coordinator, guard, writer, sender }
}

#[tokio::test]
async fn a_follow_up_is_paid_written_and_sent_once() {
    let mut guard = reserving();
    guard
        .expect_settle()
        .once()
        .with(always(), function(|actual: &MicroUsd| *actual == MicroUsd::from_micros(4_000)))
        .returning(|_, _| Ok(()));
    let mut sender = MockExecutor::new();
    sender
        .expect_execute()
        .once()
        .withf(|call: &Call| call.action.as_str() == "dm.send" && call.params["text"] == "How is the engine, Ada?")
        .returning(|_| Execution::done(true.into()));
    let writer = writing(|| Ok(ToolResult::text("How is the engine, Ada?")));
    let outcome = follow_up(leasing(), guard, writer, Arc::new(sender)).write_to("ada").await;
    assert_eq!(outcome.expect("it works"), Outcome::Sent);
}

#[tokio::test]
async fn a_message_that_may_have_gone_out_is_not_repeated() {
    let mut guard = reserving();
    guard.expect_settle().once().returning(|_, _| Ok(()));
    let lost = Error::new(ErrorKind::OutcomeUnknown, "the connection broke");
    let script = ScriptedExecutor::new([Execution::failed(everreach_core::Outcome::Unknown, lost)]);
    let sender = Arc::new(RecordingExecutor::new(Arc::new(script)));
    let outcome = follow_up(leasing(), guard, writing(|| Ok(ToolResult::text("Hello"))), sender.clone()).write_to("ada").await;
    assert_eq!(outcome.expect("it works"), Outcome::Unknown);
    let log = sender.log();
    assert_eq!(log.len(), 1, "one try: {log:?}");
    assert_eq!(log[0].1, everreach_core::Outcome::Unknown);
}

#[tokio::test]
async fn the_money_goes_back_when_the_writer_was_not_reached() {
    let mut guard = reserving();
    guard.expect_release().once().returning(|_| Ok(()));
    let writer = writing(|| Err(Error::new(ErrorKind::Unreachable, "the writer is not connected")));
    let error = follow_up(leasing(), guard, writer, Arc::new(MockExecutor::new())).write_to("ada").await;
    assert_eq!(error.expect_err("nobody wrote").kind(), ErrorKind::Unreachable);
}

#[tokio::test]
async fn a_full_month_sends_nothing() {
    let mut guard = MockCostGuard::new();
    guard.expect_reserve().once().returning(|_| Err(Error::new(ErrorKind::CostCapExceeded, "the cap is reached")));
    let outcome = follow_up(leasing(), guard, MockMcpClient::new(), Arc::new(MockExecutor::new())).write_to("ada").await;
    assert_eq!(outcome.expect("it is told"), Outcome::NoMoney);
}

#[tokio::test]
async fn a_contact_of_another_agent_is_left_alone_until_its_lease_is_over() {
    let clock = Arc::new(ManualClock::at("2026-11-20T12:00:00Z".parse().expect("a time")));
    let shared: SharedClock = clock.clone();
    let coordinator = MemorySwarmCoordinator::new(SwarmConfig::default(), shared.clone()).expect("a coordinator");
    coordinator.acquire(LeaseRequest::new("ada", "dm-5e6f7a8b")).await.expect("it is free");
    let guard = MemoryCostGuard::new(CostConfig::default(), shared).expect("a guard");
    let sender = Arc::new(ScriptedExecutor::new([Execution::done(true.into())]));
    let follow_up = follow_up(coordinator, guard, writing(|| Ok(ToolResult::text("Hello"))), sender.clone());

    assert_eq!(follow_up.write_to("ada").await.expect("it is told"), Outcome::Busy);
    assert!(sender.calls().is_empty());
    let busy = follow_up.coordinator.acquire(LeaseRequest::new("ada", "dm-1")).await.expect_err("it is leased");
    assert_eq!(busy.retry(), Retry::Later(Duration::from_secs(60)));

    clock.advance(Duration::from_secs(60));
    assert_eq!(clock.now().to_rfc3339(), "2026-11-20T12:01:00+00:00");
    assert_eq!(follow_up.write_to("ada").await.expect("it works"), Outcome::Sent);
    assert!(follow_up.coordinator.current("ada").await.expect("it is told").is_none(), "the contact is free again");
}

#[tokio::test]
async fn the_coordinator_in_memory_passes_its_suite_from_out_here() {
    let make = |config, clock| Ok(Arc::new(MemorySwarmCoordinator::new(config, clock)?) as Arc<dyn SwarmCoordinator>);
    swarm_coordinator::check(&move |config, clock| Box::pin(async move { make(config, clock) })).await.expect("the law");
}
