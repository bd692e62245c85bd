//! The fields of a schedule file as they are written.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{FiresOn, Overlap};
use crate::ActionName;

/// A whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFile {
    pub(super) version: u64,
    pub(super) jobs: RawJobs,
}

/// The jobs by their names, none of which stands twice.
#[derive(Debug)]
pub(super) struct RawJobs(pub(super) BTreeMap<String, Map<String, Value>>);

impl<'de> Deserialize<'de> for RawJobs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Jobs;
        impl<'de> Visitor<'de> for Jobs {
            type Value = RawJobs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object: job name to job")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<RawJobs, A::Error> {
                let mut jobs = BTreeMap::new();
                while let Some((name, fields)) = members.next_entry::<String, Map<String, Value>>()? {
                    if jobs.contains_key(&name) {
                        return Err(A::Error::custom(format!("the job `{name}` stands here twice; keep one of the two")));
                    }
                    jobs.insert(name, fields);
                }
                Ok(RawJobs(jobs))
            }
        }
        deserializer.deserialize_map(Jobs)
    }
}

/// One job with every field that it states.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawJob {
    #[serde(default)]
    pub(super) description: String,
    pub(super) schedule: String,
    #[serde(default = "utc")]
    pub(super) timezone: String,
    pub(super) chain: Vec<RawStep>,
    pub(super) timeout_s: Option<u64>,
    pub(super) missed: Option<RawMissed>,
    #[serde(default)]
    pub(super) overlap: Overlap,
    pub(super) fires_on: Option<FiresOn>,
    pub(super) mirror_after_s: Option<u64>,
    #[serde(default = "yes")]
    pub(super) enabled: bool,
    pub(super) disabled_because: Option<String>,
}

fn utc() -> String {
    "UTC".to_owned()
}

const fn yes() -> bool {
    true
}

/// What becomes of missed slots, as files and answers write it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum RawMissed {
    Skip,
    Once { within_s: u64 },
    All { max: u16, within_s: u64 },
}

/// A step: the action's name alone, or an object.
#[derive(Debug)]
pub(super) struct RawStep {
    pub(super) action: ActionName,
    pub(super) params: Map<String, Value>,
    pub(super) timeout_s: Option<u64>,
    pub(super) optional: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepFields {
    action: ActionName,
    #[serde(default)]
    params: Map<String, Value>,
    timeout_s: Option<u64>,
    #[serde(default)]
    optional: bool,
}

impl<'de> Deserialize<'de> for RawStep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Step;
        impl<'de> Visitor<'de> for Step {
            type Value = RawStep;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an action's name, or an object with `action`")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<RawStep, E> {
                let action = name.parse().map_err(E::custom)?;
                Ok(RawStep { action, params: Map::new(), timeout_s: None, optional: false })
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<RawStep, A::Error> {
                let step = StepFields::deserialize(MapAccessDeserializer::new(members))?;
                Ok(RawStep { action: step.action, params: step.params, timeout_s: step.timeout_s, optional: step.optional })
            }
        }
        deserializer.deserialize_any(Step)
    }
}
