//! `config`: the settings as they are, and a file to start from.

use clap::Subcommand;
use serde_json::{Value, json};

use super::Context;
use crate::exit::Outcome;
use crate::settings::{self, table};

/// The verbs of `config`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum ConfigCommand {
    /// Print every setting with its value
    #[command(after_help = "Examples:\n  everreach config show\n  everreach config show --origin --json")]
    Show {
        /// Say where each value comes from
        #[arg(long)]
        origin: bool,
    },
    /// Print a commented .env with every setting
    #[command(after_help = "Examples:\n  everreach config example > .env\n  everreach config example | grep CLOUD")]
    Example,
}

pub(super) fn run(command: &ConfigCommand, context: &Context) -> Outcome {
    match command {
        ConfigCommand::Show { origin } => show(context, *origin),
        ConfigCommand::Example => context.output.text(&settings::env_example()),
    }
}

fn show(context: &Context, has_origin: bool) -> Outcome {
    let settings = &context.settings;
    let row = |setting: &table::Setting| {
        let mut row = json!({"name": setting.env, "key": setting.key, "value": settings.in_force(setting)});
        if has_origin || context.output.is_json() {
            row["origin"] = Value::String(settings.origin(setting).to_string());
        }
        row
    };
    let rows: Vec<Value> = table::all().map(row).collect();
    context.output.data(&Value::Array(rows), |rows| {
        let mut text = String::new();
        for row in rows.as_array().into_iter().flatten() {
            let word = |name: &str| row[name].as_str().unwrap_or_default();
            text.push_str(&format!("{}={}", word("name"), word("value")));
            if has_origin {
                text.push_str(&format!("  # {}", word("origin")));
            }
            text.push('\n');
        }
        text
    })?;
    for warning in &settings.warnings {
        context.output.note(&format!("warning: {warning}"));
    }
    Ok(())
}
