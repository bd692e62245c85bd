//! A cloud that counts: what it was asked to do, under which key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::sync::watch;
use url::Url;

use crate::support::random::below;

/// Stands where the cloud terminal would; stops when it is dropped.
pub(crate) struct CountingCloud {
    pub(crate) url: Url,
    shared: Arc<Shared>,
    serving: tokio::task::JoinHandle<()>,
}

struct Shared {
    counts: Mutex<HashMap<String, u32>>,
    /// While this is false, answers wait; the work is done and counted all the same.
    answers: watch::Sender<bool>,
}

impl CountingCloud {
    pub(crate) async fn start() -> Self {
        let shared = Arc::new(Shared { counts: Mutex::default(), answers: watch::Sender::new(true) });
        let router = Router::new()
            .route("/health", get(|| async { Json(json!({"env": "cloud", "status": "ok"})) }))
            .route("/api/services/{service}/{topic}", post(act))
            .with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address")).parse().expect("a URL");
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { url, shared, serving }
    }

    /// How often each key was acted on.
    pub(crate) fn counts(&self) -> HashMap<String, u32> {
        self.shared.counts.lock().expect("nobody panicked").clone()
    }

    /// Keeps answers back, or lets them go.
    pub(crate) fn hold_answers(&self, hold: Hold) {
        self.shared.answers.send_replace(hold == Hold::No);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    Yes,
    No,
}

impl Drop for CountingCloud {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Counts first and answers a little later, so that a caller can be killed in between. Every sixteenth answer is a failure that
/// says nothing of what was done.
async fn act(
    State(shared): State<Arc<Shared>>,
    Path((_, topic)): Path<(String, String)>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, Json<Value>) {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or("none").to_owned();
    *shared.counts.lock().expect("nobody panicked").entry(key.clone()).or_default() += 1;
    tokio::time::sleep(Duration::from_micros(below(8_000))).await;
    shared.answers.subscribe().wait_for(|open| *open).await.expect("the cloud lives as long as its answers");
    if key.starts_with("call-") && below(16) == 0 {
        return (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"detail": "something broke"})));
    }
    (StatusCode::OK, Json(json!({"ok": true, "topic": topic, "result": {"for": key, "read": body.len()}})))
}
