//! `GET /api/events`: the event log as server-sent events, with resume.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use everreach_core::events::RecordedEvent;
use everreach_core::{Error, ErrorKind};
use futures_util::Stream;
use futures_util::stream::unfold;
use http::{HeaderMap, Method};
use tokio::sync::watch;

use crate::problem::Problem;
use crate::state::AppState;

const PATH: &str = "/api/events";
const LAST_EVENT_ID: &str = "last-event-id";
const PAGE: u32 = 200;
/// How often the log is looked at without a nudge, for what other processes wrote, and how often the key is checked again.
const PERIOD: Duration = Duration::from_secs(1);
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Events as they are written, each with its number as `id`. With `Last-Event-ID` the stream goes on after that number, else it
/// starts now.
#[utoipa::path(get, path = "/api/events", tag = "events",
    params(("Last-Event-ID" = Option<i64>, Header, description = "The number of the last event that was seen")),
    responses((status = 200, description = "A stream of events; `event` is the kind, `data` the event in JSON", body = String, content_type = "text/event-stream")))]
pub(crate) async fn stream(
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let log = state.runtime().events();
    let written = log.written();
    let after = match last_seen(&headers)? {
        Some(seq) => seq,
        None => log.newest().await?,
    };
    let reader = Reader { state, headers, written, after, waiting: VecDeque::new() };
    let events = unfold(reader, |mut reader| async move { reader.next().await.map(|event| (Ok(event), reader)) });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

fn last_seen(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    let seq = value.to_str().ok().and_then(|text| text.parse().ok()).filter(|seq| *seq >= 0);
    seq.map(Some).ok_or_else(|| Problem::of(ErrorKind::InvalidInput, "the header `Last-Event-ID` is the number of an event"))
}

/// One client's place in the log.
struct Reader {
    state: AppState,
    headers: HeaderMap,
    written: watch::Receiver<u64>,
    after: i64,
    waiting: VecDeque<RecordedEvent>,
}

impl Reader {
    /// The next event; `None` when the server closes or the client's key was revoked.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if self.state.closing().is_cancelled() {
                return None;
            }
            if let Some(event) = self.waiting.pop_front() {
                self.after = event.seq;
                return Some(render(&event));
            }
            self.state.access().admit(&Method::GET, PATH, None, &self.headers).ok()?;
            self.written.mark_unchanged();
            match self.state.runtime().events().read_after(self.after, PAGE).await {
                Ok(events) if !events.is_empty() => self.waiting.extend(events),
                Ok(_) => self.wait().await,
                Err(error) => {
                    report(&error);
                    self.wait().await;
                }
            }
        }
    }

    async fn wait(&mut self) {
        tokio::select! {
            () = self.state.closing().cancelled() => {}
            () = tokio::time::sleep(PERIOD) => {}
            Ok(()) = self.written.changed() => {}
        }
    }
}

fn report(error: &Error) {
    tracing::warn!(%error, "the event log cannot be read; streams wait");
}

fn render(event: &RecordedEvent) -> Event {
    let data = serde_json::to_string(event).unwrap_or_default();
    Event::default().id(event.seq.to_string()).event(event.event.kind.as_ref()).data(data)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_stream_resumes_after_a_number_and_nothing_else() {
        let seen = |text| {
            last_seen(&HeaderMap::from_iter([(http::HeaderName::from_static(LAST_EVENT_ID), HeaderValue::from_static(text))]))
        };
        assert_eq!(last_seen(&HeaderMap::new()).expect("none"), None);
        assert_eq!(seen("17").expect("a number"), Some(17));
        for wrong in ["", "-1", "x", "1.5"] {
            assert_eq!(seen(wrong).expect_err("not a number").status().as_u16(), 422);
        }
    }
}
