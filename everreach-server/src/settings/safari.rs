//! The settings of Safari: the queue, its services, and the CRM script.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use everreach_core::safari::wire::{CrmCommand, ForcePolicy};
use everreach_core::safari::{ActiveHours, SafariConfig, Service, ServiceConfig};
use everreach_core::{Error, ErrorKind, Result};

use super::rules::is_exposed_in_clear;
use super::table::{self, Setting};
use super::{Origin, Settings};

/// The longest time that a setting in seconds or milliseconds may name.
const DAY: Duration = Duration::from_secs(24 * 3_600);
const LOCAL: &str = "local";

impl Settings {
    /// What the queue and its services are told.
    ///
    /// # Errors
    /// [`ErrorKind::Config`], naming the setting, its origin, what was seen and what is wanted.
    pub fn safari(&self) -> Result<SafariConfig> {
        let mut safari = SafariConfig::default();
        safari.services = self.safari_services()?;
        safari.limits = match self.text(&table::SAFARI_LIMITS) {
            Some(text) => text.parse().map_err(|error| self.with_origin(error, &table::SAFARI_LIMITS))?,
            None => safari.limits,
        };
        safari.active_hours = self.parse::<ActiveHours>(
            &table::SAFARI_ACTIVE_HOURS,
            "hours of the day as in 9-21: first hour 0 to 23, last hour 1 to 24, 0-24 for always",
        )?;
        safari.zone = self.safari_zone()?;
        safari.pacing.min_delay = self.read(&table::SAFARI_MIN_DELAY, "milliseconds from 0 to 86400000", |text| {
            text.parse().ok().map(Duration::from_millis).filter(|delay| *delay <= DAY)
        })?;
        safari.pacing.rest_after_unknown = self.read(&table::SAFARI_REST, "seconds from 0 to 86400", |text| {
            text.parse().ok().map(Duration::from_secs).filter(|rest| *rest <= DAY)
        })?;
        safari.lease = self.need(&table::SAFARI_LEASE, "seconds from 5 to 3600", |text| {
            text.parse().ok().filter(|seconds| (5..=3_600).contains(seconds)).map(Duration::from_secs)
        })?;
        safari.campaign_approval = self.need(&table::SAFARI_CAMPAIGN_APPROVAL, "hours from 1 to 8760", |text| {
            text.parse().ok().filter(|hours| (1..=8_760).contains(hours)).map(|hours: u64| Duration::from_secs(hours * 3_600))
        })?;
        safari.deny_list_file = self.text(&table::SAFARI_DENY_LIST).map(PathBuf::from);
        safari.dispatch.force = if self.switch(&table::SAFARI_ALLOW_FORCE)? { ForcePolicy::Honour } else { ForcePolicy::Ignore };
        let crm = self.text(&table::CRM_COMMAND).map(str::parse::<CrmCommand>).transpose();
        safari.dispatch.crm = crm.map_err(|error| self.with_origin(error, &table::CRM_COMMAND))?.unwrap_or_default();
        safari.crm_folder = self.text(&table::CRM_FOLDER).map(PathBuf::from);
        Ok(safari)
    }

    fn safari_services(&self) -> Result<BTreeMap<Service, ServiceConfig>> {
        Service::ALL.into_iter().map(|service| Ok((service, self.safari_service(service)?))).collect()
    }

    fn safari_service(&self, service: Service) -> Result<ServiceConfig> {
        let profile = service.profile();
        let mut config = ServiceConfig::default();
        // Both stand in the table for each of the nine; a test holds that.
        if let Some(setting) = table::by_env(profile.url_setting) {
            config.url = self.url(setting)?;
            config.token = table::by_env(profile.token_setting).and_then(|token| self.secret(token));
            if let Some(url) = config.url.as_ref().filter(|url| config.token.is_some() && is_exposed_in_clear(url)) {
                let message = format!(
                    "{} would carry {} in clear; use https://, or a tunnel that ends on 127.0.0.1",
                    profile.url_setting, profile.token_setting
                );
                let origin = url.origin().ascii_serialization();
                return Err(Error::new(ErrorKind::Config, message).with("seen", origin).with("from", self.origin(setting)));
            }
        }
        Ok(config)
    }

    /// The zone of the active hours; by default the one of this machine, which is the services' too.
    fn safari_zone(&self) -> Result<chrono_tz::Tz> {
        const WANTED: &str = "local, or a time zone such as Europe/Berlin";
        if self.text(&table::SAFARI_TIMEZONE) != Some(LOCAL) {
            return self.parse(&table::SAFARI_TIMEZONE, WANTED);
        }
        Ok(self.local_zone())
    }

    /// Says who set the value that a parser of the core refused.
    fn with_origin(&self, error: Error, setting: &Setting) -> Error {
        match self.origin(setting) {
            Origin::Default => error,
            origin => error.with("from", origin),
        }
    }
}
