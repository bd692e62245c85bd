//! A registered agent, as the database has it.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::store::Stamp;
use crate::supervisor::agent::{AgentDefinition, AgentStatus, Capability};
use crate::supervisor::lifecycle::Wanted;
use crate::{Error, ErrorKind, Result, Timestamp};

/// A registered agent, as the database has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RegisteredAgent {
    /// What it is.
    pub definition: AgentDefinition,
    /// How it stood when that was last written down.
    pub status: AgentStatus,
    /// Whether it should run.
    pub wanted: Wanted,
    /// Whether another program asks for a restart.
    pub needs_restart: bool,
    /// Which supervisor looks after it.
    pub owner: Option<String>,
    /// Its process, as far as it was written down.
    pub process: Option<ProcessNote>,
    /// Since when it is known.
    pub registered_at: Option<Timestamp>,
}

/// A process as the database remembers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProcessNote {
    /// Its number.
    pub pid: i64,
    /// Its incarnation.
    pub incarnation: String,
    /// Which start of which machine it belongs to.
    pub boot: String,
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct Row {
    agent_id: String,
    name: Option<String>,
    entry_point: Option<String>,
    capabilities: Option<String>,
    health_url: Option<String>,
    status: Option<String>,
    registered_at: Option<Stamp>,
    needs_restart: Option<bool>,
    everreach_definition: Option<String>,
    everreach_wanted: Option<String>,
    everreach_owner: Option<String>,
    everreach_boot: Option<String>,
    everreach_pid: Option<i64>,
    everreach_incarnation: Option<String>,
}

impl Row {
    /// The agent, or what is wrong with the row.
    pub(super) fn agent(self) -> Result<RegisteredAgent> {
        let agent_id = self.agent_id.clone();
        self.read().map_err(|source| {
            Error::new(ErrorKind::Store, "a row of actp_agent_registry is no agent: correct or remove it")
                .with("agent_id", agent_id)
                .with("cause", &source)
                .with_source(source)
        })
    }

    fn read(self) -> Result<RegisteredAgent> {
        let mut definition = match &self.everreach_definition {
            Some(json) => serde_json::from_str(json).map_err(|source| {
                Error::new(ErrorKind::Store, "everreach_definition is no definition of an agent").with_source(source)
            })?,
            None => AgentDefinition::bare(self.agent_id.parse()?),
        };
        // What other programs see and may change stands in columns of its own.
        definition.agent_id = self.agent_id.parse()?;
        definition.name = self.name.unwrap_or_default();
        definition.entry_point = self.entry_point.filter(|text| !text.is_empty()).map(|text| text.parse()).transpose()?;
        definition.health_url = self.health_url.filter(|text| !text.is_empty()).map(|text| text.parse()).transpose()?;
        if let Some(json) = self.capabilities {
            let read: Option<BTreeSet<Capability>> = serde_json::from_str(&json).map_err(|source| {
                Error::new(ErrorKind::Store, "capabilities is no JSON array of capabilities").with_source(source)
            })?;
            definition.capabilities = read.unwrap_or_default();
        }
        let process = match (self.everreach_pid, self.everreach_incarnation, self.everreach_boot) {
            (Some(pid), Some(incarnation), Some(boot)) => Some(ProcessNote { pid, incarnation, boot }),
            _ => None,
        };
        let status = self.status.as_deref().and_then(AgentStatus::from_word);
        Ok(RegisteredAgent {
            definition: definition.check()?,
            status: status.unwrap_or(AgentStatus::Registered),
            wanted: if self.everreach_wanted.as_deref() == Some("running") { Wanted::Running } else { Wanted::Stopped },
            needs_restart: self.needs_restart.unwrap_or_default(),
            owner: self.everreach_owner,
            process,
            registered_at: self.registered_at.map(Timestamp::from),
        })
    }
}
