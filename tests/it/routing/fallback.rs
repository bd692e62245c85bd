//! What becomes of a call when the cloud fails, fault by fault: the exact answer for a read and for a message.

use everreach_core::testing::{Fault, FaultResponse};

use super::*;

const DEADLINE: Duration = Duration::from_millis(250);

fn ok() -> FaultResponse {
    FaultResponse::json(200, &success())
}

fn failure(status: u16) -> FaultResponse {
    FaultResponse::json(status, &json!({"detail": "not now"}))
}

/// A fault four times over, as often as a read is tried.
fn always(fault: &Fault) -> Vec<Fault> {
    vec![fault.clone(); 4]
}

struct Wanted {
    hybrid_read: Glance,
    cloud_read: Glance,
    hybrid_send: Glance,
    cloud_send: Glance,
}

const HELD: Glance = (Some(Source::Cloud), Outcome::Unknown, Some(ErrorKind::OutcomeUnknown), 1);

/// After this a read is repeated and then runs here; a message is held.
const fn doubtful(kind: ErrorKind) -> Wanted {
    Wanted {
        hybrid_read: (Some(Source::LocalFallback), Outcome::Executed, None, 5),
        cloud_read: (Some(Source::Cloud), Outcome::Unknown, Some(kind), 4),
        hybrid_send: HELD,
        cloud_send: HELD,
    }
}

/// After this nothing ran, so that anything may run here.
const fn refused(kind: ErrorKind, tries: u32) -> Wanted {
    let moved = (Some(Source::LocalFallback), Outcome::Executed, None, tries + 1);
    let failed = (None, Outcome::NotExecuted, Some(kind), tries);
    Wanted { hybrid_read: moved, cloud_read: failed, hybrid_send: moved, cloud_send: failed }
}

async fn one(mode: Mode, request: RouteRequest, script: Option<Vec<Fault>>) -> (Glance, usize, usize) {
    let (bench, local) = (Bench::sqlite(), Hand::working("here"));
    let server = FaultServer::start(script.clone().unwrap_or_default()).await.expect("a server");
    let nobody = FaultServer::refusing_url().await.expect("a port");
    let runtime = bench.over_http(mode, &local, if script.is_some() { server.url() } else { &nobody }).await;
    let envelope = runtime.route(request.with_timeout(DEADLINE)).await;
    let whole = server.received().iter().filter(|request| request.complete && request.target().starts_with("POST")).count();
    stop(runtime).await;
    (glance(&envelope), local.count(), whole)
}

/// `None` is a cloud that refuses connections.
async fn check(script: Option<Vec<Fault>>, wanted: Wanted) {
    for (mode, is_read, wanted) in [
        (Mode::Hybrid, true, wanted.hybrid_read),
        (Mode::Cloud, true, wanted.cloud_read),
        (Mode::Hybrid, false, wanted.hybrid_send),
        (Mode::Cloud, false, wanted.cloud_send),
    ] {
        let request = if is_read { stats() } else { dm("hi") };
        let (seen, here, there) = one(mode, request, script.clone()).await;
        assert_eq!(seen, wanted, "{mode:?} read {is_read}");
        let tries = usize::try_from(seen.3).expect("few tries");
        assert!(here + there <= tries, "{mode:?} read {is_read}: {here} here, {there} there, {tries} tries");
        assert_eq!(here == 1, seen.0 == Some(Source::LocalFallback), "{mode:?} read {is_read}");
    }
}

#[tokio::test]
async fn a_cloud_that_refuses_connections_ran_nothing() {
    check(None, refused(ErrorKind::Unreachable, 1)).await;
}

#[tokio::test]
async fn a_connection_reset_before_the_answer_leaves_a_message_held() {
    check(Some(always(&Fault::ResetBeforeAnswer)), doubtful(ErrorKind::Unreachable)).await;
}

#[tokio::test]
async fn a_connection_reset_within_the_answer_leaves_a_message_held() {
    check(Some(always(&Fault::ResetAfter(ok(), 90))), doubtful(ErrorKind::Unreachable)).await;
}

#[tokio::test]
async fn an_answer_that_ends_too_soon_leaves_a_message_held() {
    check(Some(always(&Fault::CloseAfter(ok(), 90))), doubtful(ErrorKind::Unreachable)).await;
}

#[tokio::test]
async fn a_cloud_that_never_answers_is_a_timeout_for_a_read() {
    check(Some(always(&Fault::Hang)), doubtful(ErrorKind::Timeout)).await;
}

#[tokio::test]
async fn a_cloud_that_drips_its_answer_does_not_stretch_the_deadline() {
    check(Some(always(&Fault::Drip(ok(), Duration::from_millis(40)))), doubtful(ErrorKind::Timeout)).await;
}

#[tokio::test]
async fn a_page_instead_of_an_answer_is_no_success() {
    check(Some(always(&Fault::Answer(FaultResponse::html(200)))), doubtful(ErrorKind::Unreachable)).await;
}

#[tokio::test]
async fn a_server_error_repeats_a_read_and_holds_a_message() {
    let cloud: Glance = (Some(Source::Cloud), Outcome::Executed, None, 2);
    let wanted = Wanted { hybrid_read: cloud, cloud_read: cloud, hybrid_send: HELD, cloud_send: HELD };
    check(Some(vec![Fault::Answer(failure(500)), Fault::Answer(ok())]), wanted).await;
}

#[tokio::test]
async fn a_cloud_that_asks_for_patience_gets_it_and_then_the_call() {
    let cloud: Glance = (Some(Source::Cloud), Outcome::Executed, None, 2);
    let wanted = Wanted { hybrid_read: cloud, cloud_read: cloud, hybrid_send: cloud, cloud_send: cloud };
    let busy = failure(429).with_header("Retry-After", "0");
    check(Some(vec![Fault::Answer(busy), Fault::Answer(ok())]), wanted).await;
}

#[tokio::test]
async fn a_cloud_that_asks_for_more_patience_than_there_is_time_ran_nothing() {
    let busy = failure(429).with_header("Retry-After", "7");
    check(Some(vec![Fault::Answer(busy)]), refused(ErrorKind::RateLimited, 1)).await;
}

#[tokio::test]
async fn a_cloud_that_refuses_the_key_ran_nothing() {
    check(Some(vec![Fault::Answer(failure(401))]), refused(ErrorKind::Unauthorized, 1)).await;
}

#[tokio::test]
async fn parameters_that_the_cloud_refuses_are_refused_everywhere() {
    let refused: Glance = (None, Outcome::NotExecuted, Some(ErrorKind::InvalidParams), 1);
    let wanted = Wanted { hybrid_read: refused, cloud_read: refused, hybrid_send: refused, cloud_send: refused };
    check(Some(vec![Fault::Answer(failure(422))]), wanted).await;
}

#[tokio::test]
async fn a_failure_that_the_cloud_reports_itself_is_the_answer_and_nothing_runs_again() {
    let failed: Glance = (Some(Source::Cloud), Outcome::Executed, Some(ErrorKind::HandlerError), 1);
    let wanted = Wanted { hybrid_read: failed, cloud_read: failed, hybrid_send: failed, cloud_send: failed };
    let answer = FaultResponse::json(200, &json!({"ok": true, "result": {"success": false, "error": "user not found"}}));
    check(Some(vec![Fault::Answer(answer)]), wanted).await;
}

#[tokio::test]
async fn a_key_that_the_cloud_is_working_on_is_not_run_here() {
    let busy = |outcome_of: u32| (Some(Source::Cloud), Outcome::Unknown, Some(ErrorKind::IdempotencyConflict), outcome_of);
    let wanted = Wanted { hybrid_read: busy(4), cloud_read: busy(4), hybrid_send: busy(1), cloud_send: busy(1) };
    check(Some(always(&Fault::Answer(failure(409)))), wanted).await;
}

#[tokio::test]
async fn when_the_local_side_rests_too_the_first_failure_is_told() {
    let bench = Bench::sqlite();
    let local = Hand::failing(Outcome::Executed, ErrorKind::HandlerError);
    let runtime = bench.start(Mode::Hybrid, &local, &Hand::failing(Outcome::NotExecuted, ErrorKind::Unreachable)).await;
    for _ in 0..3 {
        let ran = runtime.route(stats()).await;
        assert_eq!(glance(&ran), (Some(Source::LocalFallback), Outcome::Executed, Some(ErrorKind::HandlerError), 2));
    }
    let rests = runtime.route(stats()).await;
    assert_eq!(glance(&rests), (None, Outcome::NotExecuted, Some(ErrorKind::Unreachable), 1));
    assert!(rests.detail.as_ref().expect("a sentence").contains("rests"), "{rests:?}");
    assert!(runtime.route(call("dm.health", json!({}))).await.error == Some(ErrorKind::HandlerError), "a circuit per action");
    bench.clock.advance(Duration::from_secs(60));
    assert_eq!(runtime.route(stats()).await.attempts, 2, "one trial after a minute");
    assert_eq!(local.count(), 5);
    stop(runtime).await;
}

#[tokio::test]
async fn a_write_in_doubt_is_neither_repeated_nor_run_here_although_no_journal_guards_it() {
    let (bench, local) = (Bench::sqlite(), Hand::working("here"));
    let cloud = Hand::failing(Outcome::Unknown, ErrorKind::OutcomeUnknown);
    let runtime = bench.start(Mode::Hybrid, &local, &cloud).await;
    let envelope = runtime.route(call("dm.sync", json!({}))).await;
    assert_eq!(glance(&envelope), (Some(Source::Cloud), Outcome::Unknown, Some(ErrorKind::OutcomeUnknown), 1));
    assert_eq!((local.count(), cloud.count(), envelope.idempotency_key), (0, 1, None));
    stop(runtime).await;
}
