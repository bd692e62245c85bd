//! The settings of the failover: how quick it is, how two sides agree, and what tells that this machine's own network is up.

use everreach_core::failover::{FailoverConfig, TwoNodeMode};
use everreach_core::{Error, ErrorKind, Result};

use super::table::{Setting, plain, unset};
use super::{Role, Settings, table};

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
    "shared, manual, local_grants or available; when unset EVERREACH_SHARED_DATABASE says whether it is shared, else it is found out",
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
        failover.mode = self.agreement()?;
        failover.self_check = self.list(&FAILOVER_SELF_CHECK);
        if let Some(wrong) = failover.self_check.iter().find(|target| !is_target(target)) {
            let message = "FAILOVER_SELF_CHECK must be host:port entries such as 192.168.1.1:53, separated by commas";
            return Err(Error::new(ErrorKind::Config, message)
                .with("seen", wrong)
                .with("from", self.origin(&FAILOVER_SELF_CHECK)));
        }
        Ok(failover)
    }

    /// How the two sides agree: the one answer that failover and the calls for the local side go by.
    fn agreement(&self) -> Result<Option<TwoNodeMode>> {
        let mode = self.read(&FAILOVER_MODE, "shared, manual, local_grants or available", |text| text.parse().ok())?;
        if self.get(&table::SHARED_DATABASE).is_none() {
            return Ok(mode);
        }
        match (mode, self.switch(&table::SHARED_DATABASE)?) {
            (Some(mode), is_shared) if is_shared != (mode == TwoNodeMode::Shared) => Err(self.contradiction(mode)),
            (None, true) => Ok(Some(TwoNodeMode::Shared)),
            // The cloud keeps a lease among its own replicas, whatever the other side does.
            (None, false) if self.role()? == Role::Terminal => Ok(Some(TwoNodeMode::Manual)),
            (mode, _) => Ok(mode),
        }
    }

    fn contradiction(&self, mode: TwoNodeMode) -> Error {
        let message = format!(
            "EVERREACH_SHARED_DATABASE and FAILOVER_MODE={} contradict each other: `shared` goes with 1, the other modes with 0; unset one of them",
            mode.as_str()
        );
        Error::new(ErrorKind::Config, message)
            .with("EVERREACH_SHARED_DATABASE from", self.origin(&table::SHARED_DATABASE))
            .with("FAILOVER_MODE from", self.origin(&FAILOVER_MODE))
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
        for (setting, wrong) in [
            (&FAILOVER_PROFILE, "slow"),
            (&FAILOVER_MODE, "both"),
            (&FAILOVER_SELF_CHECK, "router.lan"),
            (&table::SHARED_DATABASE, "perhaps"),
        ] {
            let error = with(setting, wrong).expect_err("it is wrong").to_string();
            assert!(error.contains(setting.env), "{error}");
        }
    }

    #[test]
    fn whether_the_database_is_shared_has_one_answer_and_a_contradiction_is_refused() {
        let agreed = |mode: &str, shared: &str, role: &str| {
            let layers = Layers::default().with_argument("a test", &FAILOVER_MODE, mode).with_flag("--role", &table::ROLE, role);
            layers.with_argument("a test", &table::SHARED_DATABASE, shared).load().expect("it loads").failover()
        };
        let shares = |mode, shared, role| agreed(mode, shared, role).expect("they agree").shares_database();
        let mode = |mode, shared, role| agreed(mode, shared, role).expect("they agree").mode;
        for role in ["terminal", "cloud-terminal"] {
            assert!(shares("", "1", role) && shares("shared", "", role) && shares("shared", "1", role));
            assert!(!shares("", "", role) && !shares("", "0", role) && !shares("manual", "0", role));
            assert_eq!(mode("", "1", role), Some(TwoNodeMode::Shared));
            assert_eq!(mode("", "", role), None, "it is found out");
            assert_eq!(mode("available", "0", role), Some(TwoNodeMode::Available));
            for (mode, shared) in [("manual", "1"), ("local_grants", "1"), ("available", "1"), ("shared", "0")] {
                let refused = agreed(mode, shared, role).expect_err("they contradict each other").to_string();
                assert!(
                    ["EVERREACH_SHARED_DATABASE", "FAILOVER_MODE", mode].iter().all(|word| refused.contains(word)),
                    "{refused}"
                );
            }
        }
        assert_eq!(mode("", "0", "terminal"), Some(TwoNodeMode::Manual), "there is nothing to find out");
        assert_eq!(mode("", "0", "cloud-terminal"), None);
    }
}
