//! One look at the cloud: what it says, whether that is to be believed, and whether both sides use one database.

use std::time::Duration;

use url::Url;

use super::control::RESOURCE;
use super::own_network::{OwnNetwork, own_network};
use super::probe::{self, ProbeAnswer};
use super::{FailoverControl, ProbeFailure, Reading};

/// How long the database may take to say who leads.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether both sides use one database, as far as a look has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    /// The cloud leads by a lease that stands in this database.
    Shown,
    /// It uses another one.
    Refuted,
    /// It showed neither.
    Open,
}

/// What a look has found.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) reading: Reading,
    pub(super) sharing: Sharing,
    pub(super) own_network: OwnNetwork,
}

/// Asks the cloud once. Only when it does not answer well is this machine's own network looked at.
pub(super) async fn look(
    client: &reqwest::Client,
    endpoint: &Url,
    within: Duration,
    self_check: &[String],
    control: &FailoverControl,
) -> Looked {
    let failure = match probe::look(client, endpoint, within).await {
        Ok(answer) if answer.instance() == Some(&control.instance().to_string()) => {
            tracing::warn!(%endpoint, "CLOUD_ENDPOINT leads back to this process");
            ProbeFailure::WrongIdentity
        }
        Ok(answer) => {
            let sharing = sharing(&answer, control).await;
            return Looked { reading: Reading::Good, sharing, own_network: OwnNetwork::NotChecked };
        }
        Err((failure, error)) => {
            tracing::debug!(%error, "the cloud did not answer the probe");
            failure
        }
    };
    let own_network = own_network(self_check, endpoint).await;
    let is_ours = own_network == OwnNetwork::Down && is_of_the_network(failure);
    let reading = if is_ours { Reading::OwnNetworkDown } else { Reading::Bad(failure) };
    Looked { reading, sharing: Sharing::Open, own_network }
}

/// Whether a network that is down explains the failure: whatever answered, came through it.
const fn is_of_the_network(failure: ProbeFailure) -> bool {
    matches!(failure, ProbeFailure::Unreachable | ProbeFailure::Timeout)
}

/// Equal names could be those of a database and its copy: only a lease that the cloud holds, seen in this database, shows that both use it.
async fn sharing(answer: &ProbeAnswer, control: &FailoverControl) -> Sharing {
    let (Some(instance), Some(database)) = (answer.instance(), answer.database()) else { return Sharing::Open };
    if database != control.database().to_string() {
        return Sharing::Refuted;
    }
    if !answer.leads() {
        return Sharing::Open;
    }
    match tokio::time::timeout(PATIENCE, control.leases().look(RESOURCE)).await {
        Ok(Ok(Some(lease))) if lease.holder.as_deref() == Some(instance) => Sharing::Shown,
        // It may have been taken or given back between the two questions: another look will tell.
        _ => Sharing::Open,
    }
}
