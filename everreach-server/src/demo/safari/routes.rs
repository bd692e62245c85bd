//! From a request to a reply.

use std::sync::Arc;

use everreach_core::safari::Service;
use http::Method;
use serde_json::json;

use super::exchange::{Asked, Reply};
use super::send::{Job, carry_out};
use super::station::Station;
use super::{comment, control, conversations, dm, front, health, page, research, session, standing};

/// Answers one request.
pub(super) async fn answer(station: Arc<Station>, asked: Asked) -> Reply {
    if let Some(reply) = control::answer(&station, &asked).await {
        return reply;
    }
    if asked.method == Method::GET && asked.path == "/health" {
        return health::answer(&station);
    }
    if let Some(reply) = front::refusal(&station, &asked) {
        return reply;
    }
    let told = session::answer(&station, &asked)
        .or_else(|| standing::answer(&station, &asked))
        .or_else(|| conversations::answer(&station, &asked));
    if let Some(reply) = told {
        return reply;
    }
    match job(&station, &asked) {
        Some(Ok(job)) => carry_out(&station, job).await,
        Some(Err(reply)) => reply,
        None => unknown(&station, &asked),
    }
}

fn job(station: &Arc<Station>, asked: &Asked) -> Option<Result<Job, Reply>> {
    match station.service {
        Service::MarketResearch => research::prepare(station, asked),
        _ => dm::prepare(station, asked).or_else(|| comment::prepare(station, asked)).or_else(|| page::prepare(station, asked)),
    }
}

/// A path that the service does not have: JSON where it has a catch-all, a page where it has none.
fn unknown(station: &Station, asked: &Asked) -> Reply {
    match station.service {
        Service::ThreadsComments | Service::InstagramComments | Service::TwitterComments | Service::MarketResearch => {
            Reply::Json(404, json!({"error": "Not Found", "message": format!("Cannot {} {}", asked.method, asked.path)}))
        }
        _ => Reply::no_such_page(&asked.method, &asked.path),
    }
}
