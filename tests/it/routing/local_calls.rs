//! Calls that only the local machine can run: queued by the cloud terminal, run by the local one, answered under their key.

use everreach_core::Clock as _;
use everreach_core::cost::CostRequest;
use everreach_core::failover::TwoNodeMode;
use everreach_core::ledger::{CallRecord, CallState, IdempotencyKey};
use everreach_core::safari::gate::Dispatchable;
use everreach_core::safari::{ActiveHours, DispatchOutcome};
use everreach_core::testing::ScriptedDispatcher;

use super::*;
use crate::support::store::{execute, number};

const ROWS: &str = "SELECT (SELECT COUNT(*) FROM safari_command_queue) + (SELECT COUNT(*) FROM actp_workflow_tasks)";

/// A cloud terminal and a local machine on one database.
pub(super) struct Pair {
    pub(super) bench: Bench,
    pub(super) cloud: Runtime,
    pub(super) mac: Runtime,
    pub(super) hand: Arc<Hand>,
    services: Arc<ScriptedDispatcher>,
    /// What the services answer next, where that is not "sent".
    script: Arc<Mutex<Option<DispatchOutcome>>>,
}

impl Pair {
    pub(super) async fn on(bench: Bench) -> Self {
        let mut config = bench.config(Mode::Cloud);
        config.routing.is_cloud_terminal = true;
        config.failover.mode = Some(TwoNodeMode::Shared);
        let nobody = Hand::working("in the cloud, where nothing of this may run");
        let cloud = bench.with(config).with_executor(Arc::clone(&nobody) as _).build().await.expect("a terminal");
        let hand = Hand::working("the local machine");
        let script = Arc::new(Mutex::new(None::<DispatchOutcome>));
        let next = Arc::clone(&script);
        let answer =
            move |_: &Dispatchable| next.lock().expect("nobody panicked").take().unwrap_or_else(|| DispatchOutcome::sent("seen"));
        let services = Arc::new(ScriptedDispatcher::answering(answer));
        let mac = Self::machine(&bench, &hand, &services).await;
        Self { bench, cloud, mac, hand, services, script }
    }

    pub(super) async fn both() -> [Self; 2] {
        [Self::on(Bench::sqlite()).await, Self::on(Bench::postgres().await).await]
    }

    /// A local machine on the database of this bench.
    pub(super) async fn machine(bench: &Bench, hand: &Arc<Hand>, services: &Arc<ScriptedDispatcher>) -> Runtime {
        let mut config = bench.config(Mode::Local);
        config.failover.mode = Some(TwoNodeMode::Shared);
        config.safari.active_hours = ActiveHours::ALWAYS;
        (config.safari.pacing.min_delay, config.safari.pacing.rest_after_unknown) = (Some(Duration::ZERO), Some(Duration::ZERO));
        let builder = bench.with(config).with_executor(Arc::clone(hand) as _).with_safari_dispatcher(Arc::clone(services) as _);
        builder.build().await.expect("a local machine")
    }

    pub(super) async fn another(&self, hand: &Arc<Hand>) -> Runtime {
        Self::machine(&self.bench, hand, &self.services).await
    }

    pub(super) fn services_answer(&self, outcome: DispatchOutcome) {
        *self.script.lock().expect("nobody panicked") = Some(outcome);
    }

    /// What the cloud's journal says of the call that was answered like this.
    pub(super) async fn record(&self, envelope: &Envelope) -> CallRecord {
        let key: IdempotencyKey = envelope.idempotency_key.as_deref().expect("a key").parse().expect("a key");
        self.cloud.call(&key).await.expect("it is read").expect("it is there")
    }

    pub(super) async fn rows(&self) -> i64 {
        number(self.cloud.store(), ROWS).await
    }

    pub(super) async fn tasks(&self, rest: &str) -> i64 {
        number(self.cloud.store(), format!("SELECT COUNT(*) FROM actp_workflow_tasks WHERE {rest}")).await
    }

    pub(super) async fn end(self) {
        stop(self.mac).await;
        stop(self.cloud).await;
    }
}

pub(super) fn search(text: &str) -> RouteRequest {
    call("linkedin.search", json!({"query": text, "limit": 1.5}))
}

fn is_queued(envelope: &Envelope, queue: &str) {
    assert_eq!(glance(envelope), (None, Outcome::Queued, None, 0), "{envelope:?}");
    assert_eq!(envelope.result.as_ref().expect("a result")["queue"], queue);
    assert!(envelope.cost_usd.micros() == 0 && envelope.idempotency_key.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_sent_once_by_the_local_machine_and_answered_under_its_key() {
    for pair in Pair::both().await {
        let first = pair.cloud.route(dm("hi")).await;
        is_queued(&first, "safari_command_queue");
        let again = pair.cloud.route(dm("hi")).await;
        assert!(again.replayed);
        is_queued(&again, "safari_command_queue");
        assert_eq!((pair.record(&first).await.state, pair.rows().await), (CallState::Queued, 1));

        let summary = pair.mac.safari().run_once(10).await.expect("a run");
        assert_eq!(summary.completed, 1, "{summary:?}");
        let record = pair.record(&first).await;
        let answer = record.envelope.expect("an answer");
        assert_eq!((record.state, answer.outcome, answer.source), (CallState::Executed, Outcome::Executed, Some(Source::Local)));
        assert_eq!(answer.result.expect("a result")["result"]["outcome"], "sent");

        let later = pair.cloud.route(dm("hi")).await;
        assert_eq!((later.replayed, later.outcome), (true, Outcome::Executed));
        pair.mac.safari().run_once(10).await.expect("a run");
        assert_eq!((pair.services.seen().len(), pair.rows().await, pair.hand.count()), (1, 1, 0));
        pair.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_other_call_is_a_task_that_the_local_machine_runs_under_the_calls_key() {
    for pair in Pair::both().await {
        let first = pair.cloud.route(search("rust")).await;
        is_queued(&first, "actp_workflow_tasks");
        assert_eq!(pair.tasks("status = 'pending' AND task_type = 'everreach_call'").await, 1);
        let puller = pair.mac.puller().expect("a local machine pulls");
        let summary = puller.run_once(10).await.expect("a round");
        assert_eq!((summary.pulled, summary.succeeded), (1, 1), "{summary:?}");
        let ran = pair.hand.calls();
        assert_eq!((ran.len(), ran[0].idempotency_key.clone()), (1, first.idempotency_key.clone()));
        assert_eq!(ran[0].params, params(json!({"query": "rust", "limit": 1.5})));

        let record = pair.record(&first).await;
        let answer = record.envelope.expect("an answer");
        assert_eq!((record.state, answer.ok, answer.source), (CallState::Executed, true, Some(Source::Local)));
        assert_eq!(answer.result.expect("a result")["by"], "the local machine");
        assert_eq!(pair.tasks("status = 'succeeded' AND claimed_by IS NOT NULL AND completed_at IS NOT NULL").await, 1);
        assert_eq!(puller.run_once(10).await.expect("a round").pulled, 0);
        assert!(pair.cloud.puller().is_none(), "the cloud pulls nothing");
        pair.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_local_machine_would_refuse_is_refused_at_once() {
    for pair in Pair::both().await {
        let quote = call("dm.send", json!({"platform": "instagram", "username": "bob'; open /", "text": "hi"}));
        for request in [quote, call("linkedin.search", json!({"query": "a\0"}))] {
            let envelope = pair.cloud.route(request).await;
            assert_eq!(glance(&envelope), (None, Outcome::NotExecuted, Some(ErrorKind::InvalidParams), 0));
            assert_eq!(pair.record(&envelope).await.state, CallState::NotExecuted);
        }
        assert_eq!(pair.rows().await, 0);
        pair.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stop_switch_holds_before_a_row_is_written_and_before_it_is_pulled() {
    for pair in Pair::both().await {
        let before = pair.cloud.route(call("linkedin.connect", json!({"profileUrl": "https://www.linkedin.com/in/bob/"}))).await;
        is_queued(&before, "actp_workflow_tasks");
        pair.cloud.stop_switch().stop(Some("a test")).await.expect("it is set");
        let refused = pair.cloud.route(dm("hi")).await;
        assert_eq!(glance(&refused), (None, Outcome::NotExecuted, Some(ErrorKind::Stopped), 0));
        let puller = pair.mac.puller().expect("a puller");
        assert_eq!((puller.run_once(10).await.expect("a round").pulled, pair.rows().await), (0, 1));
        pair.cloud.stop_switch().resume().await.expect("it is cleared");
        assert_eq!(puller.run_once(10).await.expect("a round").succeeded, 1);
        is_queued(&pair.cloud.route(dm("hi")).await, "safari_command_queue");
        pair.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_agrees_once_before_the_row_is_written() {
    for pair in Pair::both().await {
        let many = || call("dm.bulk_send", json!({"campaign": "spring"})).with_idempotency_key("spring-1");
        let waiting = pair.cloud.route(many()).await;
        assert_eq!((waiting.error, pair.rows().await), (Some(ErrorKind::ApprovalRequired), 0));
        let asked = pair.cloud.approvals().latest("spring-1").await.expect("it is read").expect("it was asked");
        let agreed = pair.cloud.approve(asked.id).await.expect("approved").expect("the cloud goes on with it");
        is_queued(&agreed, "actp_workflow_tasks");
        assert_eq!(pair.mac.puller().expect("a puller").run_once(10).await.expect("a round").succeeded, 1);
        assert_eq!((pair.hand.count(), pair.record(&agreed).await.state), (1, CallState::Executed));
        pair.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_cancel_shows_under_the_key_and_stands_against_sending_again() {
    for pair in Pair::both().await {
        let queued = pair.cloud.route(dm("hi")).await;
        let id = queued.result.as_ref().expect("a result")["id"].as_str().expect("an id").parse().expect("an id");
        pair.cloud.safari().queue().cancel(id).await.expect("it waits");
        let record = pair.record(&queued).await;
        let word = record.envelope.expect("an answer").error;
        assert_eq!((record.state, word), (CallState::NotExecuted, Some(ErrorKind::Stopped)));
        let again = pair.cloud.route(dm("hi")).await;
        assert_eq!(glance(&again), (None, Outcome::NotExecuted, Some(ErrorKind::Stopped), 0));
        pair.mac.safari().run_once(10).await.expect("a run");
        assert_eq!((pair.services.seen().len(), pair.rows().await), (0, 1));
        pair.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_of_other_programs_are_left_alone_unless_their_type_is_named() {
    for pair in Pair::both().await {
        let task = |id: &str, name: &str| {
            format!(
                "INSERT INTO actp_workflow_tasks (id, task_type, input_data, created_at) VALUES \
                 ('01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d{id}', '{name}', '{{\"action\": \"linkedin.search\"}}', '{}')",
                everreach_core::store::Stamp(pair.bench.clock.now())
            )
        };
        execute(pair.mac.store(), task("7b", "linkedin")).await;
        execute(pair.mac.store(), task("7c", "upwork")).await;
        assert_eq!(pair.mac.puller().expect("a puller").run_once(10).await.expect("a round").pulled, 0);

        let mut config = pair.bench.config(Mode::Local);
        config.failover.mode = Some(TwoNodeMode::Shared);
        config.relay.pulled_types = vec!["linkedin".to_owned()];
        let other = pair.bench.with(config).with_executor(Arc::clone(&pair.hand) as _).build().await.expect("a machine");
        assert_eq!(other.puller().expect("a puller").run_once(10).await.expect("a round").succeeded, 1);
        assert_eq!(pair.hand.calls()[0].idempotency_key.as_deref(), Some("task:01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b"));
        assert_eq!(pair.tasks("task_type = 'upwork' AND status = 'pending' AND claimed_by IS NULL").await, 1);
        stop(other).await;
        pair.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_cap_only_essential_calls_are_queued_and_none_of_them_costs() {
    let pair = Pair::on(Bench::sqlite()).await;
    let all = CostRequest::new("dm.send".parse().expect("a name"), everreach_core::MicroUsd::from_usd(400));
    let held = pair.cloud.cost().reserve(all).await.expect("room");
    pair.cloud.cost().settle(&held, held.amount).await.expect("booked");
    let refused = pair.cloud.route(search("rust")).await;
    assert_eq!(glance(&refused), (None, Outcome::NotExecuted, Some(ErrorKind::CostCapExceeded), 0));
    is_queued(&pair.cloud.route(dm("hi")).await, "safari_command_queue");
    assert_eq!(pair.cloud.cost().monthly_cost().await.expect("a month").total_usd.micros(), 400_000_000);
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_another_everreach_sent_is_left_to_that_one() {
    let pair = Pair::on(Bench::sqlite()).await;
    let envelope = pair.cloud.route(search("rust").with_hops(1)).await;
    assert_eq!(glance(&envelope), (None, Outcome::NotExecuted, Some(ErrorKind::RequiresLocal), 0));
    is_queued(&pair.cloud.route(dm("hi").with_hops(1)).await, "safari_command_queue");
    pair.end().await;
}
