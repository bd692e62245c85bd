//! The double's own paths, which no service has: switching scenarios, answers to messages, restarts, and the presses so far.
//!
//! | path | body | answer |
//! |---|---|---|
//! | `GET /__scenario` | | `{service, scenario}` |
//! | `POST /__scenario` | `{name, service?, delay_ms?, linger_ms?, fail_rate?, seed?, times?}` | the same, of the service named or else of this port's |
//! | `POST /__restart` | `{service?}` | `{ok}`; starts it again at its port; asked at that port, the connection is cut |
//! | `POST /__unread` | `{conversations: [{username, text}]}` | `{ok}`; what this service's lists hold from now on |
//! | `GET /__presses` | | `{presses: [...], most_at_once}` |

use std::sync::Arc;

use everreach_core::safari::Service;
use everreach_core::{Error, ErrorKind, Result};
use http::Method;
use serde_json::{Value, json};

use super::effect::Effect;
use super::exchange::{Asked, Reply};
use super::process::Process;
use super::scenario::{Request, Scenario};
use super::station::Station;

/// Answers the double's own paths; `None` for those of the service.
pub(super) async fn answer(station: &Arc<Station>, asked: &Asked) -> Option<Reply> {
    let result = match (&asked.method, asked.path.as_str()) {
        (&Method::GET, "/__scenario") => Ok(shown(station)),
        (&Method::POST, "/__scenario") => switch(station, asked).await,
        (&Method::POST, "/__restart") => restart(station, asked).await,
        (&Method::POST, "/__unread") => set_unread(station, asked),
        (&Method::GET, "/__presses") => {
            let most = station.mac.busiest.load(std::sync::atomic::Ordering::SeqCst);
            Ok(json!({"presses": station.mac.log.lines(), "most_at_once": most}))
        }
        _ => return None,
    };
    Some(result.map_or_else(|error| Reply::Json(400, json!({"error": error.to_string()})), Reply::ok))
}

fn shown(station: &Station) -> Value {
    json!({"service": station.service, "scenario": station.scenario().to_string()})
}

fn processes(station: &Station, service: Service) -> Result<Vec<Arc<Process>>> {
    let all = station.mac.processes.get().into_iter().flatten().filter_map(std::sync::Weak::upgrade);
    let found: Vec<_> = all.filter(|process| process.station.service == service).collect();
    if found.is_empty() {
        return Err(Error::new(ErrorKind::NotFound, "this double does not run that service").with("service", service));
    }
    Ok(found)
}

async fn switch(station: &Station, asked: &Asked) -> Result<Value> {
    let request: Request = serde_json::from_value(asked.body().clone())
        .map_err(|source| Error::new(ErrorKind::InvalidInput, "the body is a scenario").with("cause", source))?;
    let scenario = request.scenario()?;
    let service = request.service.unwrap_or(station.service);
    let answer = json!({"service": service, "scenario": scenario.to_string()});
    for process in processes(station, service)? {
        let scenario = scenario.clone();
        apart(async move { set(&process, &scenario).await }).await?;
    }
    Ok(answer)
}

/// Has a service behave so. One that is to be down stops, one that was down starts again.
pub(super) async fn set(process: &Process, scenario: &Scenario) -> Result<()> {
    let was_down = matches!(process.station.standing(), Effect::Down);
    match process.station.set(scenario.clone())? {
        Effect::Down => process.stop().await,
        _ if was_down => process.start().await?,
        _ => {}
    }
    Ok(())
}

async fn restart(station: &Station, asked: &Asked) -> Result<Value> {
    let service = asked.text("service").map_or(Ok(station.service), str::parse)?;
    for process in processes(station, service)? {
        apart(async move { process.restart().await }).await?;
    }
    Ok(json!({"ok": true}))
}

/// In a task of its own: this one ends with the service when it is the service's own port that was asked.
async fn apart(work: impl Future<Output = Result<()>> + Send + 'static) -> Result<()> {
    let failed = |source| Error::new(ErrorKind::Internal, "the service could not be switched").with_source(source);
    tokio::spawn(work).await.map_err(failed)?
}

fn set_unread(station: &Station, asked: &Asked) -> Result<Value> {
    let conversations = serde_json::from_value(asked.body()["conversations"].clone()).map_err(|source| {
        Error::new(ErrorKind::InvalidInput, "conversations are a list of {username, text}").with("cause", source)
    })?;
    station.memory().unread = conversations;
    Ok(json!({"ok": true}))
}
