//! `version`: what this program is made of.

use libsqlite3_sys::SQLITE_VERSION;
use serde_json::json;

use super::Context;
use crate::exit::Outcome;

pub(super) fn run(context: &Context) -> Outcome {
    let version = json!({"version": env!("CARGO_PKG_VERSION"), "sqlite": sqlite()});
    context.output.data(&version, |version| {
        format!(
            "everreach {}\nSQLite {}\n",
            version["version"].as_str().unwrap_or_default(),
            version["sqlite"].as_str().unwrap_or_default()
        )
    })
}

/// The version of the SQLite that is built in.
pub(super) fn sqlite() -> String {
    SQLITE_VERSION.to_string_lossy().into_owned()
}
