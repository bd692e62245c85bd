//! The outcome of every fault, for every service.

use std::time::Duration;

use serde_json::json;

use super::families::{Bench, before_each, command, config, prelude, request, success};
use crate::SystemClock;
use crate::safari::{DispatchVerdict, HttpSafariDispatcher, Reason, Repeat, SafariDispatcher, Service};
use crate::testing::{Fault, FaultResponse, FaultServer};

/// What cannot be known is held where it reaches people, and repeated where it does no harm.
fn doubtful(service: Service) -> DispatchVerdict {
    if service == Service::MarketResearch { DispatchVerdict::Refused(Repeat::Counted) } else { DispatchVerdict::Unknown }
}

/// The outcome of the fault in the place of the answer, and how often something was submitted.
async fn outcome_of(service: Service, fault: Fault) -> (DispatchVerdict, Reason) {
    let mut script = prelude(service);
    script.push(fault);
    // Whoever asks a second time gets a good answer, and is seen.
    script.extend((0..4).map(|_| Fault::Answer(success(service))));
    let bench = Bench::new(service, script).await;
    let outcome = bench.dispatcher.dispatch(&command(service)).await;
    let expected = prelude(service).len() + 1;
    assert_eq!(bench.server.received().len(), expected, "{service}: never a second request ({outcome:?})");
    assert_eq!(bench.submissions().len(), 1, "{service}");
    (outcome.verdict, outcome.reason)
}

#[tokio::test]
async fn a_refused_connection_sent_nothing() {
    for service in Service::ALL {
        let url = FaultServer::refusing_url().await.expect("a URL");
        let dispatcher = HttpSafariDispatcher::new(&config(service, &url), SystemClock::shared()).expect("a dispatcher");
        let outcome = dispatcher.dispatch(&command(service)).await;
        assert_eq!(
            (outcome.verdict, outcome.reason),
            (DispatchVerdict::Refused(Repeat::Counted), Reason::ServiceUnreachable),
            "{service}: {outcome:?}"
        );
        assert!(outcome.detail.contains("nothing was sent"), "{}", outcome.detail);
    }
}

#[tokio::test]
async fn an_answer_that_is_whole_is_believed() {
    for service in Service::ALL {
        let (verdict, _) = outcome_of(service, Fault::Answer(success(service))).await;
        let expected = match service {
            Service::InstagramComments => DispatchVerdict::SentUnverified,
            _ => DispatchVerdict::Sent,
        };
        assert_eq!(verdict, expected, "{service}");
    }
}

#[tokio::test]
async fn a_reset_instead_of_an_answer_is_unknown() {
    for service in Service::ALL {
        let seen = outcome_of(service, Fault::ResetBeforeAnswer).await;
        assert_eq!(seen, (doubtful(service), Reason::ConnectionLost), "{service}");
    }
}

#[tokio::test]
async fn an_empty_reply_is_unknown() {
    for service in Service::ALL {
        let seen = outcome_of(service, Fault::CloseAfter(success(service), 0)).await;
        assert_eq!(seen, (doubtful(service), Reason::ConnectionLost), "{service}");
    }
}

#[tokio::test]
async fn a_page_instead_of_an_answer_is_unknown() {
    for service in Service::ALL {
        let (verdict, _) = outcome_of(service, Fault::Answer(FaultResponse::html(200))).await;
        assert_eq!(verdict, doubtful(service), "{service}");
        let (verdict, _) = outcome_of(service, Fault::Answer(FaultResponse::html(502))).await;
        assert_eq!(verdict, doubtful(service), "{service}");
    }
}

#[tokio::test]
async fn a_body_without_end_is_unknown_and_is_not_read_to_its_end() {
    for service in [Service::TwitterDm, Service::ThreadsComments, Service::MarketResearch] {
        let mut huge = success(service);
        huge.body.extend(vec![b' '; 6 * 1024 * 1024]);
        let seen = outcome_of(service, Fault::AnswerAndClose(huge)).await;
        assert_eq!(seen, (doubtful(service), Reason::ConnectionLost), "{service}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_proves_nothing() {
    for service in Service::ALL {
        let elsewhere = FaultServer::start([Fault::Answer(success(service))]).await.expect("a server");
        for status in [302, 307] {
            let answer = FaultResponse::json(status, &json!({})).with_header("Location", elsewhere.url().as_str());
            let (verdict, _) = outcome_of(service, Fault::Answer(answer)).await;
            assert_eq!(verdict, doubtful(service), "{service} {status}");
        }
        assert!(elsewhere.received().is_empty());
    }
}

#[tokio::test]
async fn a_service_that_hangs_or_drips_is_unknown_at_its_time_limit() {
    // The real limits are minutes; here the exchange itself is given less.
    for service in Service::ALL {
        for fault in [Fault::Hang, Fault::Drip(success(service), Duration::from_millis(50))] {
            let bench = Bench::new(service, vec![fault]).await;
            let mut request = request(service);
            request.timeout = super::families::SHORT;
            let exchanged = bench.dispatcher.presence(service).exchange(&request).await;
            let now = "2026-11-20T12:00:00Z".parse().expect("a time");
            let outcome = crate::safari::wire::judge(&command(service), &exchanged.view(), now);
            assert_eq!((outcome.verdict, outcome.reason), (doubtful(service), Reason::TimedOut), "{service}");
            assert_eq!(bench.server.received().len(), 1, "{service}");
        }
    }
}

#[tokio::test]
async fn no_time_limit_is_shorter_than_the_contract_allows() {
    for service in Service::ALL {
        let mut script = prelude(service);
        script.push(Fault::Hang);
        let bench = Bench::new(service, script).await;
        let command = command(service);
        let begun = tokio::time::Instant::now();
        let sent = async {
            bench.server.wait_for_requests(prelude(service).len() + 1).await;
            // From here on nothing but time is waited for, so it may pass at once.
            tokio::time::pause();
        };
        let (outcome, ()) = tokio::join!(bench.dispatcher.dispatch(&command), sent);
        assert_eq!((outcome.verdict, outcome.reason), (doubtful(service), Reason::TimedOut), "{service}: {outcome:?}");
        assert!(begun.elapsed() >= service.profile().timeout, "{service} {:?}", begun.elapsed());
        tokio::time::resume();
    }
}

#[tokio::test]
async fn after_a_good_answer_a_service_is_known_and_not_asked_again() {
    for service in Service::ALL {
        let mut script = prelude(service);
        script.push(Fault::Answer(success(service)));
        script.extend(before_each(service));
        script.push(Fault::Answer(success(service)));
        let bench = Bench::new(service, script).await;
        for _ in 0..2 {
            let outcome = bench.dispatcher.dispatch(&command(service)).await;
            assert!(outcome.verdict.uses_limit(), "{service}: {outcome:?}");
        }
        let healths = bench.server.received().iter().filter(|request| request.target() == "GET /health").count();
        assert_eq!((healths, bench.submissions().len()), (1, 2), "{service}");
    }
}
