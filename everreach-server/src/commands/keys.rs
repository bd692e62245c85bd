//! `keys`: who may call the API.

use clap::{Subcommand, ValueEnum};
use everreach_core::Id;
use serde::Serialize;
use serde_json::{Value, json};

use super::Context;
use crate::exit::Outcome;
use crate::output::columns;

/// The verbs of `keys`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum KeysCommand {
    /// Make a key; it is shown once
    #[command(
        after_help = "Examples:\n  everreach keys create ci --scope read dispatch\n  everreach keys create laptop --scope admin --json"
    )]
    Create {
        /// What the key is for
        name: String,
        /// What it may do
        #[arg(long = "scope", required = true, num_args = 1.., value_enum, value_delimiter = ',', value_name = "SCOPE")]
        scopes: Vec<KeyScope>,
    },
    /// List the keys, without the keys themselves
    #[command(after_help = "Examples:\n  everreach keys list\n  everreach keys list --json")]
    List,
    /// Make a key useless; a running server notices within a second
    #[command(
        after_help = "Examples:\n  everreach keys revoke 01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b\n  everreach keys revoke 01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b --json"
    )]
    Revoke {
        /// The id that `keys list` shows
        id: Id,
    },
}

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum KeyScope {
    /// Look at everything.
    Read,
    /// Run actions.
    Dispatch,
    /// Approve, stop, resume and the like.
    Operate,
    /// Keys and settings.
    Admin,
}

pub(super) async fn run(command: &KeysCommand, context: &Context) -> Outcome {
    let api = context.api().await?;
    match command {
        KeysCommand::Create { name, scopes } => {
            let key = api.post("/api/keys", &json!({"name": name, "scopes": scopes})).await?.accepted()?;
            context.output.data(&key, |key| format!("{}\n", key["key"].as_str().unwrap_or_default()))?;
            context
                .output
                .note(&format!("key {} for {name}; it is shown only this once", key["id"].as_str().unwrap_or_default()));
            Ok(())
        }
        KeysCommand::List => {
            let keys = api.get("/api/keys").await?.accepted()?["keys"].take();
            context.output.data(&keys, |keys| {
                let rows = keys.as_array().map(Vec::as_slice).unwrap_or_default();
                if rows.is_empty() { String::new() } else { columns(rows, &["id", "name", "scopes", "created_at", "revoked_at"]) }
            })?;
            if keys.as_array().is_none_or(Vec::is_empty) {
                context.output.note("there are no keys; `everreach keys create NAME --scope read dispatch` makes one");
            }
            Ok(())
        }
        KeysCommand::Revoke { id } => {
            let _answer = api.delete(&format!("/api/keys/{id}")).await?.accepted()?;
            context.output.data(&json!({"id": id, "revoked": true}), |_: &Value| format!("revoked {id}\n"))
        }
    }
}
