//! The settings of the failover: how quick it is, how two sides agree, and what tells that this machine's own network is up.

use everreach_core::failover::{FailoverConfig, TwoNodeMode};
use everreach_core::{Error, ErrorKind, Result};

use super::Settings;
use super::table::{Setting, plain, unset};

/// How quick it is.
pub(super) const FAILOVER_PROFILE: Setting = plain(
    "FAILOVER_PROFILE",
    "failover.profile",
    "standard",
    "standard (a look every 30 s), fast (every 10 s), or drill (within seconds, to rehearse); the same on both sides",
);
/// How two sides agree.
pub(super) const FAILOVER_MODE: Setting = unset(
    "FAILOVER_MODE",
    "failover.mode",
    "shared, manual, local_grants or available; found out when unset: shared where both sides use one database, else manual",
);
/// What answers while the own network is up.
pub(super) const FAILOVER_SELF_CHECK: Setting = unset(
    "FAILOVER_SELF_CHECK",
    "failover.self_check",
    "host:port,host:port that answer while this machine's own network is up; when unset only a way out is looked for",
);

/// What failover reads.
pub(super) const FAILOVER: [Setting; 3] = [FAILOVER_PROFILE, FAILOVER_MODE, FAILOVER_SELF_CHECK];

impl Settings {
    /// How the other side is watched.
    ///
    /// # Errors
    /// [`ErrorKind::Config`], naming the setting, its origin, what was seen and what is wanted.
    pub fn failover(&self) -> Result<FailoverConfig> {
        let mut failover = self.need(&FAILOVER_PROFILE, "standard, fast or drill", |text| match text {
            "standard" => Some(FailoverConfig::default()),
            "fast" => Some(FailoverConfig::fast()),
            "drill" => Some(FailoverConfig::drill()),
            _ => None,
        })?;
        failover.mode =
            self.read(&FAILOVER_MODE, "shared, manual, local_grants or available", |text| text.parse::<TwoNodeMode>().ok())?;
        failover.self_check = self.list(&FAILOVER_SELF_CHECK);
        if let Some(wrong) = failover.self_check.iter().find(|target| !is_target(target)) {
            let message = "FAILOVER_SELF_CHECK must be host:port entries such as 192.168.1.1:53, separated by commas";
            return Err(Error::new(ErrorKind::Config, message)
                .with("seen", wrong)
                .with("from", self.origin(&FAILOVER_SELF_CHECK)));
        }
        Ok(failover)
    }
}

fn is_target(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0))
}

#[cfg(test)]
mod tests {
    use super::super::Layers;
    use super::*;

    fn with(setting: &'static Setting, text: &str) -> Result<FailoverConfig> {
        Layers::default().with_argument("a test", setting, text).load()?.failover()
    }

    #[test]
    fn a_profile_a_mode_and_targets_are_read_and_what_is_wrong_is_named() {
        assert_eq!(with(&FAILOVER_PROFILE, "fast").expect("a profile"), FailoverConfig::fast());
        assert_eq!(with(&FAILOVER_MODE, "local_grants").expect("a mode").mode, Some(TwoNodeMode::LocalGrants));
        let targets = with(&FAILOVER_SELF_CHECK, "192.168.1.1:53, router.lan:80").expect("targets").self_check;
        assert_eq!(targets, ["192.168.1.1:53", "router.lan:80"]);
        for (setting, wrong) in [(&FAILOVER_PROFILE, "slow"), (&FAILOVER_MODE, "both"), (&FAILOVER_SELF_CHECK, "router.lan")] {
            let error = with(setting, wrong).expect_err("it is wrong").to_string();
            assert!(error.contains(setting.env), "{error}");
        }
    }
}
