//! The actions that exchange shared state with the cloud, for the schedule's own jobs and for whoever calls them.

use serde_json::Value;

use super::job_actions::written;
use super::services::Sources;
use crate::routing::LocalExecutorBuilder;
use crate::schedule::Jobs;
use crate::sync::state::StateSync;
use crate::{Error, ErrorKind, Result};

const PUSH: &str = "sync.push";
const PULL: &str = "sync.pull";

pub(super) fn add(registry: LocalExecutorBuilder, sources: &Sources) -> LocalExecutorBuilder {
    let (push, pull) = (sources.clone(), sources.clone());
    registry
        .handler(PUSH, "send what was changed here to the cloud", move |_, _| {
            let state = state(&push);
            async move { reported(state?.push_pending_sync().await) }
        })
        .handler(PULL, "fetch what was changed in the cloud", move |_, _| {
            let state = state(&pull);
            async move { reported(state?.pull_cloud_state().await) }
        })
}

/// Jobs that only push or pull stay off where there is nothing to exchange with, and say why.
pub(super) fn switch_off_where_idle(jobs: &mut Jobs, state: &StateSync) -> Result<()> {
    if let Some(reason) = state.idle_because() {
        for action in [PUSH, PULL] {
            jobs.switch_off(&action.parse()?, reason);
        }
    }
    Ok(())
}

fn state(sources: &Sources) -> Result<StateSync> {
    Ok(sources.whole()?.state_sync.clone())
}

fn reported(exchanged: Result<impl serde::Serialize>) -> Result<Value> {
    exchanged.map_err(without_doubt).and_then(|report| written(&report))
}

/// An exchange that may have reached the cloud changes nothing the second time: nobody has to say what became of it.
fn without_doubt(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Timeout | ErrorKind::OutcomeUnknown => {
            Error::new(ErrorKind::Unreachable, error.to_string()).with_source(error)
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exchange_that_nobody_answered_in_time_is_not_held_for_a_person() {
        let seen = without_doubt(Error::new(ErrorKind::Timeout, "no answer within 30 s"));
        assert_eq!((seen.kind(), seen.to_string().contains("30 s")), (ErrorKind::Unreachable, true));
        assert_eq!(without_doubt(Error::new(ErrorKind::Offline, "the cloud is away")).kind(), ErrorKind::Offline);
    }
}
