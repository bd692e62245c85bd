//! Two services leak a little with each `/health`: all processes on one database together ask them once a minute.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::families::{before_each, command, config, healthy, success};
use crate::clock::ManualClock;
use crate::safari::{DispatchVerdict, HealthStatus, HttpSafariDispatcher, Reason, Repeat, SafariDispatcher, Service};
use crate::store::{Store, StoreConfig};
use crate::testing::{Fault, FaultServer};
use crate::{Clock, Timestamp};

const LEAKY: [Service; 2] = [Service::InstagramDm, Service::LinkedinAutomation];
const SECOND: Duration = Duration::from_secs(1);

/// One service, a database, and the clock of every process.
struct Place {
    service: Service,
    server: FaultServer,
    clock: Arc<ManualClock>,
    folder: TempDir,
}

impl Place {
    async fn new(service: Service, script: Vec<Fault>) -> Self {
        let server = FaultServer::start(script).await.expect("a server");
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().expect("a time");
        let clock = Arc::new(ManualClock::at(now));
        Self { service, server, clock, folder: tempfile::tempdir().expect("a folder") }
    }

    /// What a process has: its own pools and its own memory.
    async fn process(&self) -> HttpSafariDispatcher {
        self.process_at(self.server.url()).await
    }

    async fn process_at(&self, url: &url::Url) -> HttpSafariDispatcher {
        let database = format!("sqlite://{}/queue.db", self.folder.path().display());
        let store = Store::open(&StoreConfig::new(database)).await.expect("a database");
        HttpSafariDispatcher::new(&config(self.service, url), self.clock.clone()).expect("a dispatcher").sharing(&store)
    }

    fn asked(&self) -> usize {
        self.server.received().iter().filter(|request| request.target() == "GET /health").count()
    }
}

fn well(service: Service, times: usize) -> Vec<Fault> {
    vec![Fault::Answer(healthy(service)); times]
}

#[tokio::test]
async fn processes_on_one_database_ask_a_service_that_leaks_once_a_minute() {
    for service in LEAKY {
        let place = Place::new(service, well(service, 9)).await;
        let (one, other) = (place.process().await, place.process().await);
        let (first, second) = tokio::join!(one.health(service), other.health(service));
        assert_eq!((first.status, second.status), (HealthStatus::Healthy, HealthStatus::Healthy), "{first:?} {second:?}");
        assert_eq!((first.checked_at, place.asked()), (second.checked_at, 1), "{service}");
        place.clock.advance(59 * SECOND);
        let late = place.process().await.health(service).await;
        assert_eq!((late.checked_at, place.asked()), (first.checked_at, 1), "{late:?}");
        place.clock.advance(SECOND);
        let (third, fourth) = tokio::join!(one.health(service), other.health(service));
        assert_eq!((third.checked_at, fourth.checked_at, place.asked()), (place.clock.now(), place.clock.now(), 2));
    }
}

#[tokio::test]
async fn services_that_do_not_leak_are_asked_by_each_process() {
    let place = Place::new(Service::TiktokDm, well(Service::TiktokDm, 2)).await;
    for _ in 0..2 {
        assert!(place.process().await.health(Service::TiktokDm).await.is_healthy());
    }
    assert_eq!(place.asked(), 2);
}

#[tokio::test]
async fn what_one_process_has_identified_another_sends_to() {
    for service in LEAKY {
        let mut script = well(service, 1);
        script.extend(before_each(service));
        script.push(Fault::Answer(success(service)));
        let place = Place::new(service, script).await;
        assert!(place.process().await.health(service).await.is_healthy());
        place.clock.advance(30 * SECOND);
        let outcome = place.process().await.dispatch(&command(service)).await;
        assert_eq!((outcome.verdict, place.asked()), (DispatchVerdict::Sent, 1), "{outcome:?}");
    }
}

#[tokio::test]
async fn what_was_found_before_a_connection_broke_says_nothing_of_who_is_there_now() {
    let service = Service::InstagramDm;
    let mut script = well(service, 2);
    script.extend([Fault::ResetBeforeAnswer, Fault::Answer(healthy(service)), Fault::Answer(success(service))]);
    let place = Place::new(service, script).await;
    let (one, other) = (place.process().await, place.process().await);
    assert!(one.health(service).await.is_healthy());
    place.clock.advance(65 * SECOND);
    assert!(other.health(service).await.is_healthy());
    place.clock.advance(5 * SECOND);
    assert_eq!(one.dispatch(&command(service)).await.verdict, DispatchVerdict::Unknown);
    place.clock.advance(10 * SECOND);
    let outcome = one.dispatch(&command(service)).await;
    assert_eq!((outcome.verdict, place.asked()), (DispatchVerdict::Refused(Repeat::Free), 2), "{outcome:?}");
    assert_eq!(outcome.retry_after, Some(45 * SECOND));
    place.clock.advance(45 * SECOND);
    assert_eq!(one.dispatch(&command(service)).await.verdict, DispatchVerdict::Sent);
}

#[tokio::test]
async fn whoever_found_nobody_there_keeps_no_other_process_from_asking() {
    let place = Place::new(Service::LinkedinAutomation, well(Service::LinkedinAutomation, 1)).await;
    let nobody = FaultServer::refusing_url().await.expect("a URL");
    let (one, other) = (place.process_at(&nobody).await, place.process_at(&nobody).await);
    for process in [one, other] {
        let outcome = process.dispatch(&command(place.service)).await;
        assert_eq!(outcome.reason, Reason::ServiceUnreachable, "{outcome:?}");
        assert_eq!(process.health(place.service).await.status, HealthStatus::Down);
    }
    assert!(place.process().await.health(place.service).await.is_healthy(), "and another port has turns of its own");
}

#[tokio::test]
async fn a_process_that_vanished_while_it_asked_holds_the_others_up_for_a_minute_and_no_longer() {
    let service = Service::InstagramDm;
    let place = Place::new(service, vec![Fault::Hang, Fault::Answer(healthy(service))]).await;
    let (one, other) = (place.process().await, place.process().await);
    let asking = tokio::spawn(async move { one.health(service).await });
    while place.asked() == 0 {
        tokio::task::yield_now().await;
    }
    asking.abort();
    let health = other.health(service).await;
    assert_eq!((health.status, place.asked()), (HealthStatus::Timeout, 1), "{health:?}");
    place.clock.advance(60 * SECOND);
    assert!(other.health(service).await.is_healthy());
}
