//! Reading a `.env` file, without touching the environment.

use std::path::Path;

use everreach_core::{Error, ErrorKind, Result};

/// The names and values in the file, in order; empty when there is no such file.
pub(super) fn read(path: &Path) -> Result<Vec<(String, String)>> {
    let unreadable = |source: dotenvy::Error| {
        let message = match &source {
            dotenvy::Error::LineParse(_, _) => "a line of this file is not NAME=value; quote values that contain blanks or #",
            _ => "this file cannot be read; mend its permissions or remove it",
        };
        let error = Error::new(ErrorKind::Config, message).with("file", path.display());
        // A line that cannot be read may hold a secret: only its beginning, the name, is repeated.
        let error = match &source {
            dotenvy::Error::LineParse(line, _) => error.with("line", line.split(['=', ' ']).next().unwrap_or_default()),
            _ => error.with("cause", &source),
        };
        error.with_operation("read .env")
    };
    if !path.exists() {
        return Ok(Vec::new());
    }
    dotenvy::from_path_iter(path).map_err(unreadable)?.map(|pair| pair.map_err(unreadable)).collect()
}
