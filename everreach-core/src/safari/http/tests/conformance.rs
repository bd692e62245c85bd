//! The law of a dispatcher, held against this one and against ones that break it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::families::{command, dispatcher, healthy, request, success};
use crate::safari::gate::Dispatchable;
use crate::safari::{DispatchOutcome, HealthStatus, Reason, Repeat, SafariDispatcher, Service, ServiceHealth};
use crate::testing::{Fault, FaultResponse, FaultServer, SafariDispatcherConformance};

/// Which service plays which part.
const WORKING: Service = Service::TiktokDm;
const REFUSED: Service = Service::ThreadsComments;
const DOUBTFUL: Service = Service::TiktokComments;
const HANGING: Service = Service::TwitterComments;

#[tokio::test]
async fn the_http_dispatcher_keeps_the_law() {
    let answer = |service| Fault::Answer(success(service));
    let limits = || Fault::Answer(FaultResponse::json(200, &serde_json::json!({"limits": {}})));
    let mut urls = Vec::new();
    let mut servers = Vec::new();
    for service in Service::ALL {
        let mut script = vec![Fault::Answer(healthy(service)), limits()];
        match service {
            WORKING => script.extend((0..4).map(|_| answer(service))),
            REFUSED => script.push(Fault::Answer(FaultResponse::json(429, &serde_json::json!({"error": "Too many"})))),
            DOUBTFUL => script.push(Fault::ResetBeforeAnswer),
            HANGING => script.push(Fault::Hang),
            _ => {}
        }
        let server = Arc::new(FaultServer::start(script).await.expect("a server"));
        urls.push((service, server.url().clone()));
        servers.push((service, server));
    }
    let of = |wanted: Service| servers.iter().find(|(service, _)| *service == wanted).expect("one of nine").1.clone();
    let counted = [WORKING, DOUBTFUL, HANGING].map(|service| (of(service), format!("POST {}", request(service).path)));
    let submissions = move || {
        counted.iter().map(|(server, target)| server.received().iter().filter(|seen| seen.target() == *target).count()).sum()
    };
    let hanging = of(HANGING);
    let arrival = move || {
        let server = hanging.clone();
        let wait: futures_util::future::BoxFuture<'static, ()> = Box::pin(async move {
            server.wait_for_requests(3).await;
        });
        wait
    };
    let suite = SafariDispatcherConformance::new(command(WORKING))
        .with_refused(command(REFUSED))
        .with_doubtful(command(DOUBTFUL))
        .with_hanging(command(HANGING), arrival)
        .with_submissions(submissions);
    suite.check(&dispatcher(&urls)).await.expect("it keeps the law");
}

/// Breaks the law in one way.
struct Lawless {
    submitted: Arc<AtomicUsize>,
    presses: usize,
    outcome: DispatchOutcome,
}

#[async_trait]
impl SafariDispatcher for Lawless {
    async fn health(&self, service: Service) -> ServiceHealth {
        ServiceHealth::new(service, HealthStatus::Healthy, "up", "2026-11-20T12:00:00Z".parse().expect("a time"))
    }

    async fn dispatch(&self, _command: &Dispatchable) -> DispatchOutcome {
        self.submitted.fetch_add(self.presses, Ordering::Relaxed);
        self.outcome.clone()
    }
}

#[tokio::test]
async fn a_dispatcher_that_breaks_the_law_is_found_out() {
    let refused = DispatchOutcome::refused(Repeat::Counted, Reason::PageFailed, "no");
    for (presses, outcome, law) in [
        (2, DispatchOutcome::sent("done"), "submitted once"),
        (0, DispatchOutcome::sent("done"), "submitted once"),
        (1, refused, "is sent"),
        (1, DispatchOutcome::sent("done"), "told as refused"),
    ] {
        let submitted = Arc::new(AtomicUsize::new(0));
        let lawless = Lawless { submitted: submitted.clone(), presses, outcome };
        let suite = SafariDispatcherConformance::new(command(WORKING))
            .with_refused(command(REFUSED))
            .with_submissions(move || submitted.load(Ordering::Relaxed));
        let error = suite.check(&lawless).await.expect_err(law);
        assert!(error.to_string().contains(law), "{error}");
    }
}
