//! The health of all nine.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use super::super::health_all;
use super::families::{Bench, dispatcher, healthy};
use crate::SystemClock;
use crate::safari::{HealthStatus, SafariDispatcher, Service};
use crate::testing::{Fault, FaultResponse, FaultServer};

async fn nine(fault: impl Fn(Service) -> Fault) -> (Vec<FaultServer>, crate::safari::HttpSafariDispatcher) {
    let servers = join_all(Service::ALL.map(|service| FaultServer::start(vec![fault(service)]))).await;
    let servers: Vec<_> = servers.into_iter().map(|server| server.expect("a server")).collect();
    let urls: Vec<_> = Service::ALL.into_iter().zip(&servers).map(|(service, server)| (service, server.url().clone())).collect();
    (servers, dispatcher(&urls))
}

#[tokio::test]
async fn all_nine_are_told_within_five_seconds_even_when_all_hang() {
    let (_servers, dispatcher) = nine(|_| Fault::Hang).await;
    let begun = Instant::now();
    let healths = health_all(&dispatcher, &SystemClock::new()).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(healths.iter().map(|health| health.service).collect::<Vec<_>>(), Service::ALL);
    assert!(healths.iter().all(|health| health.status == HealthStatus::Timeout && health.response_ms.is_none()), "{healths:?}");
}

#[tokio::test]
async fn a_service_that_drips_its_health_is_late_and_not_waited_for() {
    let (_servers, dispatcher) = nine(|service| Fault::Drip(healthy(service), Duration::from_millis(400))).await;
    let begun = Instant::now();
    let healths = health_all(&dispatcher, &SystemClock::new()).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(healths.iter().all(|health| health.status == HealthStatus::Timeout), "{healths:?}");
}

#[tokio::test]
async fn all_nine_are_healthy_when_each_says_who_it_is() {
    let (servers, dispatcher) = nine(|service| Fault::Answer(healthy(service))).await;
    let healths = health_all(&dispatcher, &SystemClock::new()).await;
    assert!(healths.iter().all(|health| health.is_healthy() && health.response_ms.is_some()), "{healths:?}");
    assert!(servers.iter().all(|server| server.received().len() == 1));
}

#[tokio::test]
async fn a_health_answer_that_is_huge_broken_or_somebody_elses_is_down() {
    let mut huge = healthy(Service::TwitterDm);
    huge.body.extend(vec![b' '; 6 * 1024 * 1024]);
    for fault in [
        Fault::AnswerAndClose(huge),
        Fault::ResetBeforeAnswer,
        Fault::Answer(FaultResponse::html(200)),
        Fault::Answer(FaultResponse::json(500, &json!({"status": "ok", "service": "twitter-dm"}))),
        Fault::Answer(healthy(Service::TwitterComments)),
    ] {
        let bench = Bench::new(Service::TwitterDm, vec![fault.clone()]).await;
        let health = bench.dispatcher.health(Service::TwitterDm).await;
        assert_eq!(health.status, HealthStatus::Down, "{fault:?} {health:?}");
        assert_eq!(bench.server.received().len(), 1);
    }
}

#[tokio::test]
async fn the_two_that_leak_are_asked_at_most_once_a_minute_and_the_others_once_a_second() {
    for service in Service::ALL {
        let script = (0..100).map(|_| Fault::Answer(healthy(service))).collect();
        let bench = Bench::new(service, script).await;
        let first = bench.dispatcher.health(service).await;
        for _ in 0..5 {
            assert_eq!(bench.dispatcher.health(service).await.checked_at, first.checked_at, "an old look keeps its time");
        }
        assert_eq!(bench.server.received().len(), 1, "{service}");
        // 59.5 s on, in steps of 0.5 s.
        for _ in 0..119 {
            bench.clock.advance(Duration::from_millis(500));
            assert!(bench.dispatcher.health(service).await.is_healthy());
        }
        let expected = match service {
            Service::InstagramDm | Service::LinkedinAutomation => 1,
            _ => 60,
        };
        assert_eq!(bench.server.received().len(), expected, "{service}");
        bench.clock.advance(Duration::from_millis(500));
        drop(bench.dispatcher.health(service).await);
        assert_eq!(bench.server.received().len(), expected + 1, "{service}");
    }
}

#[tokio::test]
async fn many_who_ask_at_once_ask_once() {
    let bench =
        Bench::new(Service::InstagramDm, vec![Fault::Drip(healthy(Service::InstagramDm), Duration::from_millis(1))]).await;
    let healths = join_all((0..20).map(|_| bench.dispatcher.health(Service::InstagramDm))).await;
    assert!(healths.iter().all(|health| health.is_healthy()), "{healths:?}");
    assert_eq!(bench.server.received().len(), 1);
}
