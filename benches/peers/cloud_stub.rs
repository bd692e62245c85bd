//! A cloud that answers every action at once: what both sides of the cloud-hop comparison call.
//!
//! `cloud_stub PORT` listens on loopback and prints the address it got.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::{get, post};

const ANSWER: &str = r#"{"ok":true,"topic":"research.list_results","result":{"items":[1,2,3]},"duration_ms":0.1}"#;
const JSON: [(axum::http::HeaderName, &str); 1] = [(CONTENT_TYPE, "application/json")];

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(0);
    let app = Router::new()
        .route("/health", get(|| async { (JSON, r#"{"status":"ok"}"#) }))
        .route("/api/services/{service}/{topic}", post(|_body: axum::body::Bytes| async { (JSON, ANSWER) }));
    let listener = tokio::net::TcpListener::bind(std::net::SocketAddr::from(([127, 0, 0, 1], port))).await?;
    #[allow(clippy::print_stdout, reason = "the caller reads the address from it")]
    {
        println!("http://{}", listener.local_addr()?);
    }
    axum::serve(listener, app).await
}
