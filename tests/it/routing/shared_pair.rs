//! A local machine and a cloud terminal with one database, and a door between them that can be told how to behave.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use everreach_core::failover::TwoNodeMode;
use everreach_core::ledger::{CallRecord, ForwardedClaim};
use everreach_server::app::app;
use everreach_server::auth::Access;
use everreach_server::host::AllowedHosts;
use everreach_server::state::AppState;
use tokio::sync::watch;
use tower::ServiceExt as _;

use super::*;

/// What a call costs in these tests, by the built-in table.
pub(super) const PRICE: i64 = 3_000;

/// How the way to the terminal behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Open,
    /// What comes waits.
    Closed,
    /// The terminal does its work; its answer gets lost.
    LosesAnswers,
    /// Each request arrives twice at the same time; the second answer goes back.
    Repeats,
    /// The claim is taken off, as by a program that does not know it.
    WithoutClaims,
}

pub(super) struct Door {
    app: Router,
    way: watch::Sender<Way>,
    claims: watch::Sender<Vec<ForwardedClaim>>,
}

impl Door {
    pub(super) fn set(&self, way: Way) {
        self.way.send_replace(way);
    }

    /// The claim that the call with this number, from 1, brought along.
    pub(super) async fn claim(&self, number: usize) -> ForwardedClaim {
        let mut claims = self.claims.subscribe();
        let claims = claims.wait_for(|claims| claims.len() >= number).await.expect("the door is there");
        claims[number - 1]
    }
}

async fn pass(State(door): State<Arc<Door>>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    if let Some(claim) = parts.headers.get("everreach-claim") {
        let claim = claim.to_str().expect("text").parse().expect("a claim");
        door.claims.send_modify(|claims| claims.push(claim));
    }
    let way = *door.way.subscribe().wait_for(|way| *way != Way::Closed).await.expect("the door is there");
    if way == Way::WithoutClaims {
        parts.headers.remove("everreach-claim");
    }
    let again = || door.app.clone().oneshot(Request::from_parts(parts.clone(), Body::from(body.clone())));
    match way {
        Way::Repeats => tokio::join!(again(), again()).1.expect("an answer"),
        Way::LosesAnswers => {
            let lost = again().await.expect("an answer");
            let broken = futures_util::stream::iter([Err::<String, _>(std::io::Error::other("the line went dead"))]);
            Response::builder().status(lost.status()).body(Body::from_stream(broken)).expect("a response")
        }
        Way::Open | Way::Closed | Way::WithoutClaims => again().await.expect("an answer"),
    }
}

/// Both, on one database.
pub(super) struct SharedPair {
    pub(super) bench: Bench,
    pub(super) mac: Runtime,
    pub(super) terminal: Runtime,
    pub(super) here: Arc<Hand>,
    pub(super) there: Arc<Hand>,
    pub(super) door: Arc<Door>,
}

impl SharedPair {
    pub(super) async fn on(bench: Bench, there: Arc<Hand>) -> Self {
        let here = Hand::working("here");
        let mut config = bench.config(Mode::Cloud);
        config.routing.is_cloud_terminal = true;
        config.failover.mode = Some(TwoNodeMode::Shared);
        let terminal = bench.with(config).with_executor(Arc::clone(&there) as _).build().await.expect("a terminal");
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let access = Access::loopback(terminal.key_ring().clone()).with_key(&"er_live_test".to_owned().into());
        let hosts = AllowedHosts::new(address, [""; 0]).expect("no names");
        let app = app(AppState::new(terminal.clone(), access, hosts));
        let door = Arc::new(Door { app, way: watch::Sender::new(Way::Open), claims: watch::Sender::default() });
        let router = Router::new().fallback(pass).with_state(Arc::clone(&door));
        drop(tokio::spawn(async move { axum::serve(listener, router).await }));
        let url = format!("http://{address}").parse().expect("a URL");
        let mac = bench.over_http(Mode::Hybrid, &here, &url).await;
        Self { bench, mac, terminal, here, there, door }
    }

    /// One on each database; the terminal works.
    pub(super) async fn both() -> [Self; 2] {
        Self::both_with(|| Hand::working("there")).await
    }

    pub(super) async fn both_with(there: impl Fn() -> Arc<Hand>) -> [Self; 2] {
        [Self::on(Bench::sqlite(), there()).await, Self::on(Bench::postgres().await, there()).await]
    }

    /// Routes it on the local machine, beside the test.
    pub(super) fn sends(&self, request: RouteRequest) -> tokio::task::JoinHandle<Envelope> {
        let mac = self.mac.clone();
        tokio::spawn(async move { mac.route(request).await })
    }

    pub(super) async fn record(&self, key: &str) -> CallRecord {
        self.mac.ledger().get(&key.parse().expect("a key")).await.expect("it is read").expect("it is there")
    }

    /// How often the call ran, here and there.
    pub(super) fn runs(&self) -> (usize, usize) {
        (self.here.count(), self.there.count())
    }

    /// What was booked and what is held, in millionths of a dollar.
    pub(super) async fn money(&self) -> (i64, i64) {
        let month = self.mac.cost().monthly_cost().await.expect("a month");
        (month.total_usd.micros(), month.reserved_usd.micros())
    }

    pub(super) async fn end(self) {
        stop(self.mac).await;
        stop(self.terminal).await;
    }
}

/// An outward call that goes to the cloud.
pub(super) fn propose(key: &str) -> RouteRequest {
    call("upwork.propose", json!({"job": "~01ab", "text": "hello", "rate": 60.5})).with_idempotency_key(key)
}
