//! The choice among those that can.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Candidate, Excluded};
use crate::supervisor::agent::{AgentId, Capability};
use crate::{Error, ErrorKind, Retry};

/// What a task needs.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TaskRequest {
    /// What the agent has to be able to do, all of it.
    pub capabilities: Vec<Capability>,
    /// Tasks with the same key go to the same agent while it can take them.
    pub sticky: Option<String>,
}

impl TaskRequest {
    /// A task that needs one capability.
    #[must_use]
    pub fn new(capability: Capability) -> Self {
        Self { capabilities: vec![capability], sticky: None }
    }

    /// Goes with others of the same key.
    #[must_use]
    pub fn with_sticky(mut self, key: impl Into<String>) -> Self {
        self.sticky = Some(key.into());
        self
    }
}

/// Who gets a task, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Chosen {
    /// The agent.
    pub agent_id: AgentId,
    /// Why it and not another.
    pub why: String,
}

/// Nobody gets the task now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NoAgent {
    /// What was asked for.
    pub capabilities: Vec<Capability>,
    /// Those that could do it, and why they do not get it; nobody when no agent can do it at all.
    pub excluded: Vec<Excluded>,
}

impl From<NoAgent> for Error {
    fn from(none: NoAgent) -> Self {
        let asked = none.capabilities.iter().map(Capability::as_str).collect::<Vec<_>>().join(", ");
        if none.excluded.is_empty() {
            return Self::new(ErrorKind::NotFound, "no agent can do this: register one with the capability")
                .with("capability", asked);
        }
        let why = |excluded: &Excluded| {
            let reason = serde_json::to_value(excluded.reason).ok();
            format!("{} {}", excluded.agent_id, reason.as_ref().and_then(|word| word.as_str()).unwrap_or_default())
        };
        let why = none.excluded.iter().map(why).collect::<Vec<_>>().join(", ");
        Self::new(ErrorKind::Unreachable, "no agent that can do this is free at the moment")
            .with("capability", asked)
            .with("agents", why)
            .with_retry(Retry::Later(std::time::Duration::from_secs(5)))
    }
}

/// Who gets the task. Without a sticky key, the better of two that are drawn by `random` (numbers from 0 to 1): few tasks at hand and a good
/// score are better, so that a crowd of requests does not run to one agent.
///
/// # Errors
/// [`NoAgent`], with each agent that could have done it and why it does not.
///
/// ```
/// use everreach_core::supervisor::{Candidate, TaskRequest, choose};
/// let content = Candidate::new("content-agent".parse()?, ["content.generate".parse()?]);
/// let task = TaskRequest::new("content.generate".parse()?);
/// assert_eq!(choose(&task, &[content], [0.3, 0.7])?.agent_id.as_str(), "content-agent");
/// # Ok::<(), everreach_core::Error>(())
/// ```
pub fn choose(task: &TaskRequest, candidates: &[Candidate], random: [f64; 2]) -> Result<Chosen, NoAgent> {
    let can = |candidate: &&Candidate| task.capabilities.iter().all(|wanted| candidate.capabilities.contains(wanted));
    let able: Vec<&Candidate> = candidates.iter().filter(can).collect();
    let mut free: Vec<&Candidate> = able.iter().copied().filter(|candidate| candidate.exclusion().is_none()).collect();
    free.sort_unstable_by(|a, b| a.agent_id.cmp(&b.agent_id));
    let [first, ..] = free.as_slice() else {
        let why = |candidate: &&Candidate| {
            let reason = candidate.exclusion()?;
            Some(Excluded { agent_id: candidate.agent_id.clone(), reason, status: candidate.status })
        };
        return Err(NoAgent { capabilities: task.capabilities.clone(), excluded: able.iter().filter_map(why).collect() });
    };
    if free.len() == 1 {
        return Ok(Chosen { agent_id: first.agent_id.clone(), why: "the only one that can and is free".to_owned() });
    }
    if let Some(key) = &task.sticky {
        let weight = |candidate: &&Candidate| Sha256::digest(format!("{key}\0{}", candidate.agent_id).as_bytes());
        let chosen = free.iter().copied().max_by_key(weight).unwrap_or(first);
        return Ok(Chosen {
            agent_id: chosen.agent_id.clone(),
            why: format!("tasks with this key go to it, of {} free", free.len()),
        });
    }
    let one = free[draw(random[0], free.len())];
    let rest: Vec<_> = free.iter().copied().filter(|other| other.agent_id != one.agent_id).collect();
    let other = rest[draw(random[1], rest.len())];
    let chosen = if burden(other) < burden(one) { other } else { one };
    let why = format!("{} tasks at hand, the less burdened of two drawn from {}", chosen.in_flight, free.len());
    Ok(Chosen { agent_id: chosen.agent_id.clone(), why })
}

/// Tasks per point of health: less is better.
fn burden(candidate: &Candidate) -> f64 {
    let score = candidate.score.unwrap_or(100).max(10);
    f64::from(candidate.in_flight.saturating_add(1)) / f64::from(score)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a place in a short list"
)]
fn draw(random: f64, length: usize) -> usize {
    ((random.clamp(0.0, 1.0) * length as f64) as usize).min(length.saturating_sub(1))
}
