//! Nothing is sent to a stranger.

use std::time::Duration;

use serde_json::json;

use super::families::{Bench, TOKEN, command, config, healthy, prelude, success};
use crate::SystemClock;
use crate::safari::{DispatchVerdict, HealthStatus, HttpSafariDispatcher, Reason, Repeat, SafariDispatcher, Service};
use crate::testing::{Fault, FaultResponse, FaultServer};

#[tokio::test]
async fn a_stranger_at_the_address_gets_nothing_and_no_token() {
    for service in Service::ALL {
        let stranger = FaultResponse::json(200, &json!({"status": "ok", "service": "grafana"}));
        let bench = Bench::new(service, vec![Fault::Answer(stranger), Fault::Answer(success(service))]).await;
        let outcome = bench.dispatcher.dispatch(&command(service)).await;
        assert_eq!(
            (outcome.verdict, outcome.reason),
            (DispatchVerdict::Refused(Repeat::Counted), Reason::WrongService),
            "{service}"
        );
        assert!(outcome.detail.contains("grafana") && outcome.detail.contains("nothing was sent"), "{}", outcome.detail);
        assert!(bench.dispatcher.limits(service).await.is_err() || service == Service::MarketResearch);
        let received = bench.server.received();
        assert_eq!(received.len(), 1, "{service}");
        assert!(!String::from_utf8_lossy(&received[0].bytes).contains(TOKEN), "{service}");
    }
}

#[tokio::test]
async fn a_connection_that_broke_makes_the_service_say_again_who_it_is() {
    for service in [Service::TiktokDm, Service::ThreadsComments, Service::MarketResearch] {
        let mut script = prelude(service);
        script.push(Fault::ResetBeforeAnswer);
        script.push(Fault::Answer(FaultResponse::json(200, &json!({"status": "ok", "service": "somebody-else"}))));
        let bench = Bench::new(service, script).await;
        drop(bench.dispatcher.dispatch(&command(service)).await);
        bench.clock.advance(Duration::from_secs(60));
        let outcome = bench.dispatcher.dispatch(&command(service)).await;
        assert_eq!(outcome.reason, Reason::WrongService, "{service}");
        assert_eq!(bench.submissions().len(), 1, "{service}");
    }
}

#[tokio::test]
async fn after_a_broken_connection_a_service_that_leaks_is_waited_for() {
    let service = Service::InstagramDm;
    let mut script = prelude(service);
    script.extend([Fault::ResetBeforeAnswer, Fault::Answer(healthy(service)), Fault::Answer(success(service))]);
    let bench = Bench::new(service, script).await;
    assert_eq!(bench.dispatcher.dispatch(&command(service)).await.verdict, DispatchVerdict::Unknown);
    bench.clock.advance(Duration::from_secs(20));
    let outcome = bench.dispatcher.dispatch(&command(service)).await;
    assert_eq!(outcome.verdict, DispatchVerdict::Refused(Repeat::Free));
    assert_eq!(outcome.retry_after, Some(Duration::from_secs(40)));
    assert_eq!(bench.server.received().len(), 2, "it was not asked again");
    bench.clock.advance(Duration::from_secs(40));
    assert_eq!(bench.dispatcher.dispatch(&command(service)).await.verdict, DispatchVerdict::Sent);
}

#[tokio::test]
async fn after_a_refused_connection_the_next_one_at_the_address_has_to_say_who_it_is() {
    let service = Service::InstagramDm;
    let mut script = prelude(service);
    script.push(Fault::Answer(success(service)));
    let bench = Bench::new(service, script).await;
    assert_eq!(bench.dispatcher.dispatch(&command(service)).await.verdict, DispatchVerdict::Sent);
    let address = bench.server.url().socket_addrs(|| None).expect("an address")[0];
    let Bench { server, dispatcher, .. } = bench;
    drop(server);
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let outcome = dispatcher.dispatch(&command(service)).await;
    assert_eq!((outcome.verdict, outcome.reason), (DispatchVerdict::Refused(Repeat::Counted), Reason::ServiceUnreachable));
    // Somebody else takes the port, within the minute in which the service itself would not have been asked again.
    let listener = tokio::net::TcpListener::bind(address).await.expect("the port");
    let dm = command(service);
    let (asked, outcome) = tokio::join!(one_request(listener), dispatcher.dispatch(&dm));
    assert!(asked.starts_with("GET /health "), "{asked}");
    assert_eq!(outcome.reason, Reason::WrongService, "{outcome:?}");
}

/// Answers one request as a stranger would, and tells what it was.
async fn one_request(listener: tokio::net::TcpListener) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (mut stream, _) = listener.accept().await.expect("a connection");
    let mut bytes = vec![0; 4_096];
    let count = stream.read(&mut bytes).await.expect("a request");
    let answer = FaultResponse::json(200, &json!({"status": "ok", "service": "renderer"})).to_bytes();
    stream.write_all(&answer).await.expect("an answer");
    String::from_utf8_lossy(&bytes[..count]).into_owned()
}

#[tokio::test]
async fn the_other_port_is_named_when_only_it_answers_and_nothing_is_sent_there() {
    let service = Service::InstagramDm;
    let script = [Fault::Answer(healthy(service)), Fault::Answer(success(service)), Fault::Answer(success(service))];
    let other = FaultServer::start(script).await.expect("a server");
    let url = FaultServer::refusing_url().await.expect("a URL");
    let mut dispatcher = HttpSafariDispatcher::new(&config(service, &url), SystemClock::shared()).expect("a dispatcher");
    dispatcher.presence_mut(service).endpoint.sibling = Some(other.url().clone());
    let origin = other.url().origin().ascii_serialization();
    let health = dispatcher.health(service).await;
    assert_eq!(health.status, HealthStatus::Down);
    let named = format!("SAFARI_INSTAGRAM_DM_URL={origin}");
    assert!(health.detail.contains(&named), "{}", health.detail);
    let outcome = dispatcher.dispatch(&command(service)).await;
    assert_eq!((outcome.verdict, outcome.reason), (DispatchVerdict::Refused(Repeat::Counted), Reason::ServiceUnreachable));
    assert!(outcome.detail.contains(&named), "{}", outcome.detail);
    let targets: Vec<_> = other.received().iter().map(|request| request.target()).collect();
    assert_eq!(targets, ["GET /health"], "asked once a minute who it is, and never for anything else");
    assert!(!String::from_utf8_lossy(&other.received()[0].bytes).contains(TOKEN));
}

#[tokio::test]
async fn the_other_port_is_not_named_when_somebody_else_answers_there() {
    let service = Service::InstagramDm;
    let renderer = FaultResponse::json(200, &json!({"status": "ok", "service": "renderer"}));
    let other = FaultServer::start([Fault::Answer(renderer)]).await.expect("a server");
    let url = FaultServer::refusing_url().await.expect("a URL");
    let mut dispatcher = HttpSafariDispatcher::new(&config(service, &url), SystemClock::shared()).expect("a dispatcher");
    dispatcher.presence_mut(service).endpoint.sibling = Some(other.url().clone());
    let health = dispatcher.health(service).await;
    assert!(!health.detail.contains("does answer"), "{}", health.detail);
}
