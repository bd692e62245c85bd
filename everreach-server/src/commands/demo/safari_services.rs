//! `demo safari-services`: the double of the nine services, until a signal ends it.

use std::path::PathBuf;

use chrono_tz::Tz;
use clap::Args;
use everreach_core::safari::Service;
use everreach_core::{Error, ErrorKind};
use serde_json::{Map, Value, json};

use super::super::Context;
use crate::demo::safari::{DoubleConfig, Hours, OwnLimits, Ports, SafariDouble, Scenario, scenario_rows};
use crate::exit::{Failure, Outcome};
use crate::output::columns;
use crate::serving::Signals;

/// Arguments of `demo safari-services`.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct SafariServicesArgs {
    /// Run these services only, parted by commas
    #[arg(long, value_name = "SERVICE", value_delimiter = ',')]
    pub only: Vec<Service>,
    /// Start a service with this behaviour, such as tiktok-dm=captcha; may be
    /// given several times
    #[arg(long, value_name = "SERVICE=NAME", value_parser = assigned)]
    pub scenario: Vec<(Service, String)>,
    /// Append a line of JSON to this file for each press of Send
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// Take the ports from this one on instead of the services' own
    #[arg(long, value_name = "N", conflicts_with = "ephemeral")]
    pub port_base: Option<u16>,
    /// Take any ports that are free
    #[arg(long)]
    pub ephemeral: bool,
    /// Keep the services' hours, nine to nine, in this zone instead of UTC
    #[arg(long, value_name = "ZONE", value_parser = zone, conflicts_with = "any_hour")]
    pub zone: Option<Tz>,
    /// Send at any hour
    #[arg(long)]
    pub any_hour: bool,
    /// Count, but refuse nothing for its number
    #[arg(long)]
    pub no_limits: bool,
    /// Have a service want this token; may be given several times
    #[arg(long, value_name = "SERVICE=TOKEN", value_parser = assigned)]
    pub token: Vec<(Service, String)>,
    /// Print the behaviours and end
    #[arg(long)]
    pub list_scenarios: bool,
}

/// A service and what it is given.
fn assigned(text: &str) -> Result<(Service, String), String> {
    let (service, value) = text.split_once('=').ok_or_else(|| "write it as SERVICE=VALUE".to_owned())?;
    let service = service.parse::<Service>().map_err(|error| error.to_string())?;
    Ok((service, value.to_owned()))
}

fn zone(text: &str) -> Result<Tz, String> {
    text.parse::<Tz>().map_err(|error| format!("{error}; zones are named as in America/Chicago"))
}

impl SafariServicesArgs {
    fn config(&self) -> Result<DoubleConfig, Error> {
        let mut config = DoubleConfig::default();
        if !self.only.is_empty() {
            config.services.clone_from(&self.only);
        }
        config.ports = match self.port_base {
            Some(first) => Ports::From(first),
            None if self.ephemeral => Ports::Ephemeral,
            None => Ports::Own,
        };
        config.hours = if self.any_hour { Hours::Ignored } else { Hours::Kept(self.zone.unwrap_or(Tz::UTC)) };
        config.limits = if self.no_limits { OwnLimits::Lifted } else { OwnLimits::Kept };
        config.tokens.extend(self.token.iter().cloned());
        config.log.clone_from(&self.log);
        for (service, scenario) in &self.scenario {
            config.scenarios.push((*service, scenario.parse::<Scenario>()?));
        }
        Ok(config)
    }
}

pub(in super::super) async fn run(arguments: &SafariServicesArgs, context: &Context) -> Outcome {
    if arguments.list_scenarios {
        return list(context);
    }
    let mut signals = Signals::listen()
        .map_err(|source| Error::new(ErrorKind::Internal, "signals cannot be listened for").with_source(source))?;
    let double = SafariDouble::start(arguments.config()?).await.map_err(Failure::from)?;
    let settings: Map<String, Value> =
        double.settings().into_iter().map(|(name, value)| (name.to_owned(), Value::String(value))).collect();
    context
        .output
        .data(&json!(settings), |_| double.settings().iter().map(|(name, value)| format!("{name}={value}\n")).collect())?;
    context.output.note("the services are ready; Ctrl-C ends them");
    signals.next().await;
    let presses = double.presses().len();
    double.shutdown().await;
    context.output.note(&format!("ended after {presses} presses of Send"));
    Ok(())
}

fn list(context: &Context) -> Outcome {
    let rows: Vec<Value> = scenario_rows().map(|row| json!(row)).collect();
    let shown = json!(rows);
    context.output.data(&shown, |_| columns(&rows, &["name", "section", "services", "what"]))
}
