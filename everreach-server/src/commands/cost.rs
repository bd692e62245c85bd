//! `cost`: where the month stands.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::Context;
use crate::exit::Outcome;
use crate::output::{cell, columns, fields};

/// Arguments of `cost`.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct CostArgs {
    /// What to show instead of the month so far
    #[arg(value_enum)]
    pub what: Option<CostView>,
}

/// What `cost` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum CostView {
    /// Today, and the month against the cap.
    Report,
    /// What the month will come to.
    Forecast,
}

pub(super) async fn run(arguments: &CostArgs, context: &Context) -> Outcome {
    if arguments.what == Some(CostView::Report) {
        let report = context.api().await?.get("/api/cost/report").await?.accepted()?;
        return context.output.data(&report, daily);
    }
    let month = context.api().await?.get("/api/cost").await?.accepted()?;
    match arguments.what {
        Some(CostView::Forecast) => {
            let names = ["month", "total_usd", "forecast_usd", "soft_cap_usd", "cap_usd"];
            let forecast: Value =
                names.iter().map(|name| ((*name).to_owned(), month[*name].clone())).collect::<serde_json::Map<_, _>>().into();
            context
                .output
                .data(&forecast, |forecast| fields(&names.map(|name| (name.trim_end_matches("_usd"), dollars(&forecast[name])))))
        }
        _ => context.output.data(&month, so_far),
    }
}

fn daily(report: &Value) -> String {
    let today = fields(&[
        ("today", format!("{} ({})", cell(&report["day"]), cell(&report["zone"]))),
        ("spent", dollars(&report["spent_usd"])),
        ("essential", dollars(&report["essential_usd"])),
    ]);
    let services = report["by_service"].as_array().map(Vec::as_slice).unwrap_or_default();
    let split = if services.is_empty() { String::new() } else { columns(services, &["service", "action", "calls", "cost_usd"]) };
    format!("{today}\n{split}\n{}", so_far(&report["month"]))
}

fn so_far(month: &Value) -> String {
    let state = match (month["exceeded"] == json!(true), month["warning"] == json!(true)) {
        (true, _) => "cap reached: only essential calls go to the cloud",
        (false, true) => "soft cap reached: hybrid sends everything local",
        (false, false) => "open",
    };
    let mut text = fields(&[
        ("month", cell(&month["month"])),
        ("spent", dollars(&month["total_usd"])),
        ("reserved", dollars(&month["reserved_usd"])),
        ("remaining", format!("{} of {}", dollars(&month["remaining_usd"]), dollars(&month["cap_usd"]))),
        ("forecast", dollars(&month["forecast_usd"])),
        ("state", state.to_owned()),
    ]);
    let services = month["by_service"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !services.is_empty() {
        text.push_str(&format!("\n{}", columns(services, &["service", "action", "calls", "cost_usd"])));
    }
    text
}

fn dollars(value: &Value) -> String {
    match value {
        // Two places at least, six at most, as money is written.
        Value::Number(number) => {
            let text = number.to_string();
            let places = text.split_once('.').map_or(0, |(_, places)| places.len());
            let dot = if text.contains('.') { "" } else { "." };
            format!("${text}{dot}{}", "0".repeat(2_usize.saturating_sub(places)))
        }
        other => cell(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_in_words_what_the_level_means() {
        let month = |warning, exceeded| json!({"month": "2026-11", "total_usd": 1.5, "warning": warning, "exceeded": exceeded, "by_service": []});
        assert!(so_far(&month(false, false)).contains("spent      $1.50\n"));
        assert!(so_far(&month(true, false)).contains("soft cap reached"));
        assert!(so_far(&month(true, true)).contains("only essential calls"));
    }
}
