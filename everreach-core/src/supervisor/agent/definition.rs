//! The definition of an agent, as it is registered.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::environment;
use super::{AgentId, Capability, DeathPolicy, EntryPoint, HealthUrl, Limits, RestartPolicy, SecretRef, Tag};
use crate::{Error, ErrorKind, Result};

const LONGEST_NAME: usize = 200;
const MOST_CAPABILITIES: usize = 100;
const LONGEST_GRACE: u64 = 300;
const LONGEST_START: u64 = 3_600;

/// An agent, as it is registered.
///
/// One without an entry point is *observed*: its health is looked at, and nobody starts or stops it.
///
/// ```
/// use everreach_core::supervisor::AgentDefinition;
/// let definition = AgentDefinition::from_json(serde_json::json!({
///     "agent_id": "content-agent", "name": "Content", "entry_point": ["python3", "content_generation_agent.py"],
///     "capabilities": ["content.generate"], "health_url": "http://localhost:8101/health", "stop_grace_s": 20
/// }))?;
/// assert!(!definition.is_observed());
/// assert_eq!(definition.stop_grace().as_secs(), 20);
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AgentDefinition {
    /// Its id.
    pub agent_id: AgentId,
    /// What people call it; its id when empty.
    #[serde(default)]
    pub name: String,
    /// What is run; nothing for an observed agent.
    #[serde(default)]
    pub entry_point: Option<EntryPoint>,
    /// What it can do.
    #[serde(default)]
    pub capabilities: BTreeSet<Capability>,
    /// Where it is asked how it is.
    #[serde(default)]
    pub health_url: Option<HealthUrl>,
    /// By which words it is picked.
    #[serde(default)]
    pub tags: BTreeSet<Tag>,
    /// Its variables.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Its secret variables, by reference.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretRef>,
    /// The folder it runs in; the first allowed root when there is none.
    #[serde(default)]
    pub cwd: Option<String>,
    /// Whether it is started again when it ends.
    #[serde(default)]
    pub restart_policy: RestartPolicy,
    /// What becomes of it when its supervisor ends without stopping it.
    #[serde(default)]
    pub on_supervisor_death: DeathPolicy,
    /// What it may use.
    #[serde(default)]
    pub limits: Limits,
    /// Exit codes that are no failure, beside 0.
    #[serde(default)]
    pub success_exit_codes: BTreeSet<u8>,
    /// Seconds that it has to end in after it was asked to.
    #[serde(default = "stop_grace")]
    pub stop_grace_s: u64,
    /// Seconds that it has until its health is good for the first time.
    #[serde(default = "start_timeout")]
    pub start_timeout_s: u64,
    /// How many tasks are routed to it at a time.
    #[serde(default = "max_in_flight")]
    pub max_in_flight: u32,
}

const fn stop_grace() -> u64 {
    10
}

const fn start_timeout() -> u64 {
    60
}

const fn max_in_flight() -> u32 {
    100
}

impl AgentDefinition {
    /// An agent that is run from this entry point, with the defaults.
    #[must_use]
    pub fn new(agent_id: AgentId, entry_point: EntryPoint) -> Self {
        Self { entry_point: Some(entry_point), ..Self::bare(agent_id) }
    }

    /// An agent whose health is looked at, and that nobody here starts or stops.
    #[must_use]
    pub fn observed(agent_id: AgentId, health_url: HealthUrl) -> Self {
        Self { health_url: Some(health_url), ..Self::bare(agent_id) }
    }

    pub(in crate::supervisor) fn bare(agent_id: AgentId) -> Self {
        Self {
            name: agent_id.to_string(),
            agent_id,
            entry_point: None,
            capabilities: BTreeSet::new(),
            health_url: None,
            tags: BTreeSet::new(),
            env: BTreeMap::new(),
            secrets: BTreeMap::new(),
            cwd: None,
            restart_policy: RestartPolicy::default(),
            on_supervisor_death: DeathPolicy::default(),
            limits: Limits::default(),
            success_exit_codes: BTreeSet::new(),
            stop_grace_s: stop_grace(),
            start_timeout_s: start_timeout(),
            max_in_flight: max_in_flight(),
        }
    }

    /// Reads and checks one.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`], with the `field` that is wrong.
    pub fn from_json(value: Value) -> Result<Self> {
        let read: Self = serde_path_to_error::deserialize(value).map_err(|error| {
            let field = error.path().to_string();
            Error::new(ErrorKind::InvalidInput, "this is no definition of an agent")
                .with("field", field)
                .with("cause", error.into_inner())
        })?;
        read.check()
    }

    /// Checks what the fields say together, and fills the name in.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`], with the `field` that is wrong.
    pub fn check(mut self) -> Result<Self> {
        let refuse = |field, sentence| Err(Error::new(ErrorKind::InvalidInput, sentence).with("field", field));
        if self.name.trim().is_empty() {
            self.name = self.agent_id.to_string();
        }
        if self.name.len() > LONGEST_NAME || self.name.contains(char::is_control) {
            return refuse("name", "a name is one line of at most 200 bytes");
        }
        if self.entry_point.is_none() && self.health_url.is_none() {
            return refuse("entry_point", "an agent has an entry point to run, or a health_url to look at: give one of them");
        }
        if self.capabilities.len() > MOST_CAPABILITIES || self.tags.len() > MOST_CAPABILITIES {
            return refuse("capabilities", "an agent has at most 100 capabilities and 100 tags");
        }
        if self.stop_grace_s > LONGEST_GRACE {
            return refuse("stop_grace_s", "an agent has at most 300 s to end in");
        }
        if !(1..=LONGEST_START).contains(&self.start_timeout_s) {
            return refuse("start_timeout_s", "an agent has 1 to 3600 s to start in");
        }
        if self.max_in_flight == 0 {
            return refuse("max_in_flight", "an agent that takes no task at all cannot be routed to: at least 1");
        }
        if self.cwd.as_ref().is_some_and(|cwd| cwd.is_empty() || cwd.contains('\0')) {
            return refuse("cwd", "the folder is a path: name one, or leave it out");
        }
        self.limits.check()?;
        environment::check(&self.env, &self.secrets)?;
        Ok(self)
    }

    /// Whether its health is only looked at.
    #[must_use]
    pub const fn is_observed(&self) -> bool {
        self.entry_point.is_none()
    }

    /// How long it has to end after it was asked to.
    #[must_use]
    pub const fn stop_grace(&self) -> Duration {
        Duration::from_secs(self.stop_grace_s)
    }

    /// How long it has until its health is good for the first time.
    #[must_use]
    pub const fn start_timeout(&self) -> Duration {
        Duration::from_secs(self.start_timeout_s)
    }

    /// Whether this exit code is no failure.
    #[must_use]
    pub fn is_success(&self, code: i32) -> bool {
        code == 0 || u8::try_from(code).is_ok_and(|code| self.success_exit_codes.contains(&code))
    }

    /// Whether it has all of these tags.
    #[must_use]
    pub fn has_tags<'t>(&self, tags: impl IntoIterator<Item = &'t Tag>) -> bool {
        tags.into_iter().all(|tag| self.tags.contains(tag))
    }

    /// A digest of all that a running process was started with; when it changes, the process is outdated.
    #[must_use]
    pub fn digest(&self) -> String {
        let parts = serde_json::json!([self.entry_point, self.env, self.secrets, self.cwd, self.limits]);
        hex::encode(&Sha256::digest(parts.to_string().as_bytes())[..16])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused_field(value: Value) -> String {
        let error = AgentDefinition::from_json(value).expect_err("it is wrong");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        error.context().find(|(key, _)| *key == "field").map(|(_, field)| field.to_owned()).expect("it names the field")
    }

    #[test]
    fn the_least_that_is_registered_gets_the_defaults() {
        let definition = AgentDefinition::from_json(json!({"agent_id": "a", "entry_point": "a.py"})).expect("a definition");
        assert_eq!((definition.name.as_str(), definition.restart_policy), ("a", RestartPolicy::Always));
        assert_eq!((definition.stop_grace_s, definition.on_supervisor_death), (10, DeathPolicy::Survive));
        let json = serde_json::to_value(&definition).expect("json");
        assert_eq!(AgentDefinition::from_json(json).expect("its own json"), definition);
    }

    #[test]
    fn each_wrong_field_is_named() {
        let with = |field: &str, value: Value| {
            let mut definition = json!({"agent_id": "a", "entry_point": ["python3", "a.py"]});
            definition[field] = value;
            refused_field(definition)
        };
        assert_eq!(with("agent_id", json!("../a")), "agent_id");
        assert_eq!(with("name", json!("two\nlines")), "name");
        assert_eq!(with("entry_point", json!("python3 a.py && id")), "entry_point");
        assert_eq!(with("entry_point", json!([])), "entry_point");
        assert_eq!(with("health_url", json!("http://169.254.169.254/latest")), "health_url");
        assert_eq!(with("capabilities", json!(["content generate"])), "capabilities[0]");
        assert_eq!(with("env", json!({"LD_PRELOAD": "/tmp/evil.so"})), "env");
        assert_eq!(with("limits", json!({"memory_mb": 1})), "limits.memory_mb");
        assert_eq!(with("stop_grace_s", json!(301)), "stop_grace_s");
        assert_eq!(with("start_timeout_s", json!(0)), "start_timeout_s");
        assert_eq!(with("restart_policy", json!("Sometimes")), "restart_policy");
        assert_eq!(refused_field(json!({"agent_id": "a"})), "entry_point");
    }

    #[test]
    fn a_field_that_nobody_knows_is_refused_rather_than_forgotten() {
        assert!(AgentDefinition::from_json(json!({"agent_id": "a", "entry_point": "a.py", "restart": "never"})).is_err());
    }

    #[test]
    fn the_digest_follows_what_a_process_is_started_with_and_nothing_else() {
        let definition = AgentDefinition::from_json(json!({"agent_id": "a", "entry_point": "a.py"})).expect("a definition");
        let mut other = definition.clone();
        other.tags.insert("nightly".parse().expect("a tag"));
        assert_eq!(other.digest(), definition.digest());
        other.env.insert("MODE".to_owned(), "fast".to_owned());
        assert_ne!(other.digest(), definition.digest());
    }
}
