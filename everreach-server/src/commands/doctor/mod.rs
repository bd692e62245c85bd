//! `doctor`: this machine and these settings, each finding with its fix.

mod machine;
mod network;

use std::fmt;

use everreach_core::Result;
use everreach_core::runtime::Runtime;
use everreach_core::store::Store;
use everreach_core::sync::state::Exchange;
use serde::Serialize;
use serde_json::json;

use super::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;
use crate::settings::{Resolved, Role};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Pass,
    Warn,
    Fail,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        })
    }
}

/// One check and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    detail: String,
    fix: Option<String>,
}

impl Check {
    fn pass(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, state: State::Pass, detail: detail.into(), fix: None }
    }

    fn warn(name: &'static str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, state: State::Warn, detail: detail.into(), fix: Some(fix.into()) }
    }

    fn fail(name: &'static str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, state: State::Fail, detail: detail.into(), fix: Some(fix.into()) }
    }
}

pub(super) async fn run(context: &Context) -> Outcome {
    let mut checks = Vec::new();
    let resolved = match context.settings.resolve() {
        Ok(resolved) => {
            checks.push(settings_check(context));
            Some(resolved)
        }
        Err(error) => {
            checks.push(Check::fail("settings", error.to_string(), "correct the setting where it says it came from"));
            None
        }
    };
    let data_dir = context.settings.data_dir();
    checks.push(Check::pass("sqlite", format!("version {}", super::version::sqlite())));
    checks.push(machine::data_dir(&data_dir));
    checks.push(machine::filesystem(&data_dir));
    checks.push(machine::fsync(&data_dir));
    checks.push(machine::disk_space(&data_dir));
    if let Some(resolved) = &resolved {
        checks.push(schema(context, resolved).await);
        checks.push(network::port(resolved.server.listen).await);
        checks.push(network::remote("cloud", resolved.runtime.cloud.as_ref()).await);
        checks.push(network::remote("worker", resolved.runtime.worker.as_ref()).await);
        checks.push(state(resolved));
        checks.push(keys(resolved).await);
    }
    report(&checks, &context.output)
}

fn settings_check(context: &Context) -> Check {
    match context.settings.warnings.as_slice() {
        [] => Check::pass("settings", "they hold together"),
        warnings => Check::warn("settings", warnings.join("; "), "correct or remove these names"),
    }
}

async fn schema(context: &Context, resolved: &Resolved) -> Check {
    const NAME: &str = "schema";
    if let Some(path) = super::db::sqlite_file(&resolved.runtime.store)
        && !path.exists()
    {
        return Check::pass(NAME, "there is no database yet; the first start creates it");
    }
    let state = async {
        let store = Store::open(&resolved.runtime.store).await?;
        let state = store.migration_state().await;
        store.close().await;
        state
    };
    match state.await {
        Ok(state) => Check::pass(NAME, format!("step {} of {}", state.applied, state.known)),
        Err(error) => {
            let from = context.settings.origin(&crate::settings::table::DATABASE_URL);
            Check::fail(NAME, error.to_string(), format!("check DATABASE_URL ({from}) and that the database is up"))
        }
    }
}

/// Whether state can be exchanged with the other side.
fn state(resolved: &Resolved) -> Check {
    const NAME: &str = "state";
    if resolved.runtime.cloud.is_none() && resolved.server.role != Role::CloudTerminal {
        return Check::pass(NAME, "there is no other side to exchange it with");
    }
    match resolved.runtime.state.encryption_key {
        Some(_) => Check::pass(NAME, "it is exchanged, sealed with SYNC_ENCRYPTION_KEY; the other side needs the same"),
        None => Check::warn(
            NAME,
            "SYNC_ENCRYPTION_KEY is not set: none is exchanged with the other side",
            "set the same key on both sides; `openssl rand -base64 32` makes one",
        ),
    }
}

/// Whether a listener beyond loopback has a key.
async fn keys(resolved: &Resolved) -> Check {
    const NAME: &str = "keys";
    if resolved.server.is_loopback_only() {
        return Check::pass(NAME, "the listener is on loopback, where none is needed");
    }
    if resolved.server.admin_key.is_some() || resolved.server.cloud_key.is_some() {
        return Check::pass(NAME, "one is set in the settings");
    }
    let is_empty: Result<bool> = async {
        let mut config = resolved.runtime.clone();
        config.state.exchange = Exchange::OnRequest;
        let runtime = Runtime::builder(config).build().await?;
        let is_empty = runtime.key_ring().is_empty();
        runtime.shutdown(std::time::Duration::ZERO).await;
        Ok(is_empty)
    }
    .await;
    match is_empty {
        Ok(false) => Check::pass(NAME, "the database holds some"),
        Ok(true) => Check::fail(
            NAME,
            format!("{} is reachable from other machines, and there is no key", resolved.server.listen),
            "everreach keys create NAME --scope read dispatch operate admin",
        ),
        Err(error) => Check::fail(NAME, error.to_string(), "mend the database first"),
    }
}

fn report(checks: &[Check], output: &Output) -> Outcome {
    let count = |state| checks.iter().filter(|check| check.state == state).count();
    let (failed, warned) = (count(State::Fail), count(State::Warn));
    output.data(&json!({"ok": failed == 0, "checks": checks}), |_| {
        let mut text = String::new();
        for (index, check) in checks.iter().enumerate() {
            text.push_str(&format!("{:>2}  {}  {:<10}  {}\n", index + 1, check.state, check.name, check.detail));
            if let Some(fix) = &check.fix {
                text.push_str(&format!("{:22}fix: {fix}\n", ""));
            }
        }
        text
    })?;
    if failed == 0 {
        output.note(&format!("{} checks, {warned} warnings", checks.len()));
        return Ok(());
    }
    output.note(&format!("{} checks, {failed} failed, {warned} warnings", checks.len()));
    Err(Failure::Quiet(Exit::Failed))
}
