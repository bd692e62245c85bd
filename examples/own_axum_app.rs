//! An axum application of your own with EverReach nested below `/everreach`: your routes, its routes, one port, one runtime.
//! Run it with `cargo run --example own_axum_app` (Ctrl-C ends it), or with `-- --once` to let it call itself and end.

use std::net::SocketAddr;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use everreach_core::access::{Scope, Scopes};
use everreach_core::http::{HttpConfig, client};
use everreach_core::prelude::*;
use everreach_server::app::app;
use everreach_server::auth::Access;
use everreach_server::host::AllowedHosts;
use everreach_server::state::AppState;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A route of the embedder's: its own words, and what EverReach is connected to.
async fn shop_health(State(runtime): State<Runtime>) -> Json<Value> {
    Json(json!({"shop": "open", "everreach": runtime.health().await}))
}

/// Another one, which has the router run an action.
async fn ping(State(runtime): State<Runtime>) -> Result<Json<Envelope>, String> {
    let action = "shop.ping".parse().map_err(|error: Error| error.to_string())?;
    Ok(Json(runtime.route(RouteRequest::new(action, Params::new())).await))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let mut config = RuntimeConfig::default();
    config.data_dir = folder.path().to_path_buf();
    config.store.url = "sqlite::memory:".to_owned();
    let handlers = |registry: everreach_core::routing::LocalExecutorBuilder| {
        registry.handler("shop.ping", "answers", |_, _| async { Ok(json!({"pong": true})) })
    };
    let runtime = Runtime::builder(config).with_handlers(handlers).build().await?;
    // From the first key on, everything below /everreach but the probes wants one.
    let key = runtime.access_keys().create("example", Scopes::new([Scope::Read, Scope::Dispatch])?).await?;
    runtime.key_ring().refresh().await?;

    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let address = listener.local_addr()?;
    let access = Access::at(address, runtime.key_ring().clone());
    let state = AppState::new(runtime.clone(), access, AllowedHosts::new(address, [""; 0])?);
    let router = Router::new()
        .route("/health", get(shop_health))
        .route("/ping", get(ping))
        .with_state(runtime.clone())
        .nest("/everreach", app(state.clone()));

    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let serving =
        tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(async { drop(ended.await) }).await });
    if std::env::args().any(|argument| argument == "--once") {
        visit(&format!("http://{address}"), key.reveal()).await?;
    } else {
        say(&format!("http://{address}/health and http://{address}/everreach/health; the key is {}", key.reveal()));
        tokio::signal::ctrl_c().await?;
    }
    // Streams end first, then the server, then what it served.
    state.closing().cancel();
    drop(end);
    serving.await??;
    runtime.shutdown(std::time::Duration::from_secs(5)).await;
    Ok(())
}

async fn visit(root: &str, key: &str) -> Result<(), Box<dyn std::error::Error>> {
    let client = client(&HttpConfig::default())?;
    let own: Value = client.get(format!("{root}/health")).send().await?.json().await?;
    assert_eq!((&own["shop"], &own["everreach"]["database"]), (&json!("open"), &json!("ok")));
    let nested: Value = client.get(format!("{root}/everreach/health")).send().await?.json().await?;
    assert_eq!(nested["status"], "ok");
    let pong: Value = client.get(format!("{root}/ping")).send().await?.json().await?;
    assert_eq!(pong["result"], json!({"pong": true}));

    let call = || client.post(format!("{root}/everreach/dispatch")).json(&json!({"action": "shop.ping"}));
    assert_eq!(call().send().await?.status(), 401, "nobody comes in without a key");
    let envelope: Value = call().bearer_auth(key).send().await?.json().await?;
    assert_eq!(envelope["result"], json!({"pong": true}));
    let stop = client.post(format!("{root}/everreach/api/stop")).bearer_auth(key).json(&json!({}));
    assert_eq!(stop.send().await?.status(), 403, "this key may not stop anything");
    say(&format!("own health: {own}\nnested health: {nested}\nwithout a key 401, beyond its scopes 403"));
    Ok(())
}

#[allow(clippy::print_stdout, reason = "an example shows something")]
fn say(text: &str) {
    println!("{text}");
}
