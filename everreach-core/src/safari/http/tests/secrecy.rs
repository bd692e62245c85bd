//! A token goes to its own service, and into no log, error or outcome.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::families::{Bench, TOKEN, command, config, prelude, success};
use crate::SystemClock;
use crate::safari::{HttpSafariDispatcher, SafariDispatcher, Service};
use crate::testing::{Fault, FaultResponse, FaultServer};

/// Writes down everything that anybody says, at every level.
#[derive(Clone, Default)]
struct Everything(Arc<Mutex<String>>);

impl Visit for Everything {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        writeln!(self.0.lock().expect("the text"), "{field}={value:?}").expect("it is written");
    }
}

impl Subscriber for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn no_token_is_in_a_log_an_error_an_outcome_or_a_debug_text() {
    let logged = Everything::default();
    let _guard = tracing::subscriber::set_default(logged.clone());
    tracing::info!(canary = "heard", "the subscriber hears");
    let mut shown = String::new();
    for service in Service::ALL {
        for fault in [
            Fault::Answer(success(service)),
            Fault::Answer(FaultResponse::json(401, &serde_json::json!({"error": "bad token"}))),
            Fault::ResetBeforeAnswer,
            Fault::CloseAfter(success(service), 20),
        ] {
            let mut script = prelude(service);
            script.push(fault);
            let bench = Bench::new(service, script).await;
            let outcome = bench.dispatcher.dispatch(&command(service)).await;
            let limits = bench.dispatcher.limits(service).await;
            write!(shown, "{outcome:?} {limits:?} {:?}", bench.dispatcher).expect("it is written");
            let sent =
                bench.submissions().iter().all(|request| request.header("authorization") == Some(format!("Bearer {TOKEN}")));
            assert!(sent, "the service itself does get it");
        }
        let url = FaultServer::refusing_url().await.expect("a URL");
        let config = config(service, &url);
        let dispatcher = HttpSafariDispatcher::new(&config, SystemClock::shared()).expect("a dispatcher");
        let outcome = dispatcher.dispatch(&command(service)).await;
        write!(shown, "{outcome:?} {config:?} {:?}", dispatcher.limits(service).await).expect("it is written");
    }
    let logged = logged.0.lock().expect("the text").clone();
    assert!(logged.contains("heard"), "the subscriber works");
    assert!(!logged.contains(TOKEN) && !shown.contains(TOKEN));
}

#[tokio::test]
async fn the_token_of_one_service_is_not_sent_to_another() {
    let server = FaultServer::start(prelude(Service::TiktokDm).into_iter().chain([Fault::Answer(success(Service::TiktokDm))]));
    let server = server.await.expect("a server");
    let own = crate::safari::ServiceConfig::default().at(server.url().clone());
    let config = config(Service::ThreadsComments, server.url()).with_service(Service::TiktokDm, own);
    let dispatcher = HttpSafariDispatcher::new(&config, SystemClock::shared()).expect("a dispatcher");
    drop(dispatcher.dispatch(&command(Service::TiktokDm)).await);
    assert_eq!(server.received().len(), 2);
    assert!(server.received().iter().all(|request| !String::from_utf8_lossy(&request.bytes).contains(TOKEN)));
}
