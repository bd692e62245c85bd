//! The agents that every installation knows.

use super::{AgentDefinition, AgentId, Capability};
use crate::Result;

struct Seed {
    id: &'static str,
    name: &'static str,
    entry_point: Option<&'static str>,
    health_url: Option<&'static str>,
    capabilities: &'static [&'static str],
}

const SEEDS: [Seed; 5] = [
    Seed {
        id: "content-agent",
        name: "Content agent",
        entry_point: Some("content_generation_agent.py"),
        health_url: None,
        capabilities: &["content.generate", "content.publish"],
    },
    Seed {
        id: "acquisition-agent",
        name: "Acquisition agent",
        entry_point: Some("acquisition_agent.py"),
        health_url: None,
        capabilities: &["outreach.dm", "outreach.linkedin", "upwork.propose"],
    },
    Seed {
        id: "revenue-agent",
        name: "Revenue agent",
        entry_point: Some("revenue_analytics_agent.py"),
        health_url: None,
        capabilities: &["revenue.track", "analytics.report"],
    },
    Seed {
        id: "orchestrator",
        name: "Orchestrator",
        entry_point: Some("cognitive_orchestrator.py"),
        health_url: None,
        capabilities: &["orchestrator.plan", "orchestrator.delegate"],
    },
    // Other programs start and watch it already: here it is only looked at.
    Seed {
        id: "safari-automation",
        name: "Safari automation",
        entry_point: None,
        health_url: Some("http://localhost:3106/health"),
        capabilities: &["research.market", "dm.send"],
    },
];

/// The five agents that are registered in a database which has never seen them.
///
/// # Errors
/// None, unless one of them is written wrongly.
pub(in crate::supervisor) fn seeds() -> Result<Vec<AgentDefinition>> {
    SEEDS.iter().map(Seed::definition).collect()
}

impl Seed {
    fn definition(&self) -> Result<AgentDefinition> {
        let id: AgentId = self.id.parse()?;
        let mut definition = AgentDefinition::bare(id);
        self.name.clone_into(&mut definition.name);
        definition.entry_point = self.entry_point.map(str::parse).transpose()?;
        definition.health_url = self.health_url.map(str::parse).transpose()?;
        definition.capabilities = self.capabilities.iter().map(|name| name.parse::<Capability>()).collect::<Result<_>>()?;
        definition.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_five_and_the_one_for_safari_is_never_spawned() {
        let seeds = seeds().expect("they are written right");
        assert_eq!(seeds.len(), 5);
        let observed: Vec<_> = seeds.iter().filter(|seed| seed.is_observed()).map(|seed| seed.agent_id.as_str()).collect();
        assert_eq!(observed, ["safari-automation"]);
        assert_eq!(seeds[0].entry_point.as_ref().expect("a script").argv(), ["python3", "content_generation_agent.py"]);
    }
}
