//! The settings of calls that the cloud terminal leaves for the local machine.

use std::collections::BTreeMap;
use std::time::Duration;

use everreach_core::relay::RelayConfig;
use everreach_core::{ActionName, Result};

use super::{Settings, table};

impl Settings {
    /// What the relay is told.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](everreach_core::ErrorKind::Config), naming the setting, its origin, what was seen and what is wanted.
    pub fn relay(&self) -> Result<RelayConfig> {
        let mut relay = RelayConfig::default();
        relay.task_types =
            self.read(&table::TASK_TYPES, "action=type, separated by commas", task_types)?.unwrap_or(relay.task_types);
        relay.pulled_types = self.list(&table::PULL_TASK_TYPES);
        relay.pull_interval = self.need(&table::PULL_INTERVAL, "seconds from 1 to 3600", |text| {
            text.parse().ok().filter(|seconds| (1..=3_600).contains(seconds)).map(Duration::from_secs)
        })?;
        Ok(relay)
    }
}

fn task_types(text: &str) -> Option<BTreeMap<ActionName, String>> {
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (action, name) = pair.split_once('=')?;
            let name = Some(name.trim()).filter(|name| !name.is_empty())?;
            Some((action.trim().parse().ok()?, name.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Layers, Setting};

    fn relay(settings: &[(&'static Setting, &str)]) -> Result<RelayConfig> {
        let layers =
            settings.iter().fold(Layers::default(), |layers, (setting, text)| layers.with_argument("test", setting, *text));
        layers.load()?.relay()
    }

    #[test]
    fn the_defaults_hold_and_values_are_read() {
        assert_eq!(relay(&[]).expect("the defaults"), RelayConfig::default());
        let read = relay(&[
            (&table::TASK_TYPES, "linkedin.search = linkedin, linkedin.prospect=icp_scoring"),
            (&table::PULL_TASK_TYPES, "upwork, linkedin"),
            (&table::PULL_INTERVAL, "30"),
        ])
        .expect("they are read");
        assert_eq!(read.type_of(&"linkedin.search".parse().expect("a name")), "linkedin");
        assert_eq!(read.types_pulled(), ["everreach_call", "upwork", "linkedin"]);
        assert_eq!(read.pull_interval, Duration::from_secs(30));
    }

    #[test]
    fn what_cannot_be_read_names_its_setting() {
        for (setting, text) in [
            (&table::TASK_TYPES, "linkedin.search"),
            (&table::TASK_TYPES, "linkedin.search="),
            (&table::TASK_TYPES, "Linkedin=x"),
            (&table::PULL_INTERVAL, "0"),
        ] {
            let error = relay(&[(setting, text)]).expect_err(text);
            assert!(error.to_string().starts_with(setting.env), "{error}");
        }
    }
}
