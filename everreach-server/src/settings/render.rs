//! The table as files people start from: `.env.example` and `everreach.toml`, every line commented out.

use std::fmt::Write as _;

use super::table::{SECTIONS, Setting};

/// A commented `.env` with every setting.
///
/// ```
/// assert!(everreach_server::settings::env_example().contains("# EVERREACH_LISTEN=127.0.0.1:8080"));
/// ```
#[must_use]
pub fn env_example() -> String {
    let mut text = String::from(
        "# Every setting of EverReach, with its default. Copy to .env and uncomment what you change.\n\
         # Who wins: flags > environment > .env > everreach.toml > default. `everreach config show --origin` tells.\n",
    );
    for (heading, settings) in SECTIONS {
        let _infallible = writeln!(text, "\n# == {heading} ==");
        for setting in settings {
            let default = setting.default.unwrap_or_default();
            let quote = if default.contains([' ', '#']) { "\"" } else { "" };
            let _infallible = writeln!(text, "\n# {}\n# {}={quote}{default}{quote}", setting.meaning, setting.env);
        }
    }
    text
}

/// A commented `everreach.toml` with every setting that is no secret.
///
/// ```
/// assert!(everreach_server::settings::toml_example().contains("# monthly_cap = \"400\""));
/// ```
#[must_use]
pub fn toml_example() -> String {
    let mut text = String::from(
        "# EverReach: uncomment what you change. Keys and tokens belong into .env or the environment.\n\
         # Who wins: flags > environment > .env > this file > default. `everreach config show --origin` tells.\n",
    );
    let settings: Vec<_> =
        SECTIONS.iter().flat_map(|(_, settings)| settings.iter()).filter(|setting| !setting.is_secret).collect();
    // TOML wants the keys without a section first; then each section once.
    let mut sections: Vec<&str> = vec![""];
    for setting in &settings {
        let section = split(setting).0;
        if !sections.contains(&section) {
            sections.push(section);
        }
    }
    for section in sections {
        if !section.is_empty() {
            let _infallible = writeln!(text, "\n[{section}]");
        }
        for setting in settings.iter().filter(|setting| split(setting).0 == section) {
            let default = setting.default.unwrap_or_default();
            let _infallible = writeln!(text, "# {} ({})\n# {} = \"{default}\"", setting.meaning, setting.env, split(setting).1);
        }
    }
    text
}

/// The section of a key and its name therein.
fn split(setting: &Setting) -> (&'static str, &'static str) {
    setting.key.rsplit_once('.').unwrap_or(("", setting.key))
}
