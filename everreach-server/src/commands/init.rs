//! `init`: a commented file of settings, written once.

use std::io::Write as _;
use std::path::PathBuf;

use everreach_core::{Error, ErrorKind};
use serde_json::json;

use super::Context;
use crate::exit::Outcome;
use crate::settings::toml_example;

pub(super) fn run(context: &Context) -> Outcome {
    let path = context.global.config.clone().unwrap_or_else(|| PathBuf::from("everreach.toml"));
    let text = toml_example();
    let is_created = match std::fs::OpenOptions::new().write(true).create_new(true).open(&path) {
        Ok(mut file) => {
            file.write_all(text.as_bytes())?;
            true
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            // A second run is no mistake; a file with somebody's work in it is never touched.
            if std::fs::read_to_string(&path).is_ok_and(|there| there != text) {
                return Err(Error::new(ErrorKind::Conflict, "the file exists and is kept; move it away to get a fresh one")
                    .with("file", path.display())
                    .into());
            }
            false
        }
        Err(error) => return Err(error.into()),
    };
    let answer = json!({"file": path.display().to_string(), "created": is_created});
    context.output.data(&answer, |answer| format!("{}\n", answer["file"].as_str().unwrap_or_default()))?;
    context.output.note("next: uncomment what you change, then `everreach doctor`, then `everreach dev`");
    Ok(())
}
