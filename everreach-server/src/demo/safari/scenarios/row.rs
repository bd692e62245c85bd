//! One row of the table of behaviours.

use everreach_core::safari::Service;
use serde::{Serialize, Serializer};

use super::super::effect::Effect;
use super::{comments, direct_messages, everywhere};

/// One behaviour.
#[derive(Debug, Clone, Copy, Serialize)]
#[non_exhaustive]
pub struct ScenarioRow {
    /// Its name. The same name may stand for several services, each with its own words.
    pub name: &'static str,
    /// Which services have it.
    #[serde(serialize_with = "names")]
    pub services: &'static [Service],
    /// The section of the services' contract.
    pub section: &'static str,
    /// What happens.
    pub what: &'static str,
    #[serde(skip)]
    pub(in super::super) effect: Effect,
}

pub(super) const fn row(
    name: &'static str,
    services: &'static [Service],
    section: &'static str,
    what: &'static str,
    effect: Effect,
) -> ScenarioRow {
    ScenarioRow { name, services, section, what, effect }
}

/// Serde hands the field by reference, and its type is a slice already.
fn names<S: Serializer>(services: &&'static [Service], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(
        services
            .iter()
            .map(|service| if services.len() == Service::ALL.len() { "all" } else { service.as_str() })
            .take(if services.len() == Service::ALL.len() { 1 } else { services.len() }),
    )
}

/// Every behaviour, those of all services first.
///
/// ```
/// use everreach_core::safari::Service;
/// let crash = everreach_server::demo::safari::scenario_rows().find(|row| row.name == "crash").expect("a row");
/// assert_eq!((crash.section, crash.services), ("2.1", &Service::ALL[..]));
/// ```
pub fn scenario_rows() -> impl Iterator<Item = &'static ScenarioRow> {
    [everywhere::ROWS, direct_messages::ROWS, comments::ROWS].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_service_has_two_behaviours_of_one_name() {
        let mut seen = HashSet::new();
        for row in scenario_rows() {
            for service in row.services {
                assert!(seen.insert((row.name, *service)), "{} of {service} stands twice", row.name);
            }
        }
    }

    #[test]
    fn every_body_of_the_table_is_json() {
        for row in scenario_rows() {
            let body = match row.effect {
                Effect::WorksWith(body) | Effect::WorksTwice(body) | Effect::Says(_, _, body) | Effect::SaysLater(_, _, body) => {
                    body
                }
                Effect::SaysLast(_, body) | Effect::Door(_, body) | Effect::HealthSays(_, body) => body,
                Effect::Account { standing, .. } => standing,
                _ => continue,
            };
            assert!(serde_json::from_str::<serde_json::Value>(body).is_ok_and(|body| body.is_object()), "{}: {body}", row.name);
        }
    }
}
