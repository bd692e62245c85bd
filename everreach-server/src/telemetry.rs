//! Logs: on stderr, filtered, as text or JSON.

use everreach_core::{Error, ErrorKind, Result};
use tracing_subscriber::EnvFilter;

use crate::settings::{LogFormat, Settings, table};

/// Starts logging, once per process. `usual` is the filter that holds when the operator states none.
///
/// # Errors
/// [`ErrorKind::Config`] when the stated filter cannot be read, or when logging was started before.
pub(crate) fn start(settings: &Settings, usual: &str) -> Result<()> {
    let stated = settings.text(&table::LOG_FILTER);
    let filter = EnvFilter::builder().parse(stated.unwrap_or(usual)).map_err(|source| {
        Error::new(ErrorKind::Config, "RUST_LOG must be a filter such as info or everreach_core=debug")
            .with("seen", stated.unwrap_or(usual))
            .with("from", settings.origin(&table::LOG_FILTER))
            .with_source(source)
    })?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    let started = match settings.log_format()? {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|source| Error::new(ErrorKind::Internal, "logging runs already").with_source(source))
}
