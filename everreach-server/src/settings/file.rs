//! Reading `everreach.toml`: every key is known, every value keeps its line.

use std::path::Path;

use everreach_core::{Error, ErrorKind, Result};
use toml::de::{DeTable, DeValue};

use super::table::{self, Setting};

/// One value of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) setting: &'static Setting,
    pub(super) text: String,
    pub(super) line: usize,
}

/// Every value in the text of a file.
pub(super) fn read(path: &Path, text: &str) -> Result<Vec<Entry>> {
    let document = DeTable::parse(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        Error::new(ErrorKind::Config, "this is not TOML")
            .with("at", format!("{}:{}", path.display(), line_of(text, offset)))
            .with("cause", error.message())
    })?;
    let mut entries = Vec::new();
    collect(path, text, "", document.get_ref(), &mut entries)?;
    Ok(entries)
}

fn collect(path: &Path, text: &str, prefix: &str, table: &DeTable<'_>, entries: &mut Vec<Entry>) -> Result<()> {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.get_ref().to_string() } else { format!("{prefix}.{}", name.get_ref()) };
        let line = line_of(text, name.span().start);
        match (table::by_key(&key), value.get_ref()) {
            (Some(setting), value) => {
                let text = flat(value).ok_or_else(|| {
                    Error::new(ErrorKind::Config, "this key takes text, a number, true or false, or a list of them")
                        .with("at", format!("{}:{line}", path.display()))
                        .with("key", &key)
                })?;
                entries.push(Entry { setting, text, line });
            }
            (None, DeValue::Table(inner)) if is_section(&key) => collect(path, text, &key, inner, entries)?,
            (None, _) => return Err(unknown(path, line, &key)),
        }
    }
    Ok(())
}

fn is_section(key: &str) -> bool {
    table::all().any(|setting| setting.key.strip_prefix(key).is_some_and(|rest| rest.starts_with('.')))
}

fn unknown(path: &Path, line: usize, key: &str) -> Error {
    let error = Error::new(ErrorKind::Config, "unknown key; `everreach config show` lists every setting")
        .with("at", format!("{}:{line}", path.display()))
        .with("seen", key);
    match by_either_name(key) {
        Some(meant) => error.with("did you mean", meant),
        None => error,
    }
}

/// The key that was probably meant; people also write the name that the environment uses.
fn by_either_name(seen: &str) -> Option<&'static str> {
    let last = seen.rsplit('.').next().unwrap_or(seen);
    let by_env = table::all().find(|setting| setting.env.eq_ignore_ascii_case(last)).map(|setting| setting.key);
    by_env.or_else(|| table::nearest(seen, table::all().map(|setting| setting.key)))
}

/// The value as the environment would carry it: lists become comma-separated text.
fn flat(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(yes) => Some(if *yes { "1" } else { "0" }.to_owned()),
        DeValue::Array(items) => {
            let items: Option<Vec<_>> = items.iter().map(|item| flat(item.get_ref())).collect();
            items.map(|items| items.join(","))
        }
        _ => None,
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.get(..offset).unwrap_or(text).matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Vec<Entry>> {
        read(Path::new("everreach.toml"), text)
    }

    #[test]
    fn values_of_every_shape_become_text_and_keep_their_line() {
        let text = "env = \"hybrid\"\noffline_mode = true\nallowed_hosts = [\"a\", \"b:1\"]\n[cost]\nmonthly_cap = 12.5\n";
        let entries = read_text(text).expect("it reads");
        let seen: Vec<_> = entries.iter().map(|entry| (entry.setting.env, entry.text.as_str(), entry.line)).collect();
        for wanted in [
            ("EVERREACH_ENV", "hybrid", 1),
            ("OFFLINE_MODE", "1", 2),
            ("EVERREACH_ALLOWED_HOSTS", "a,b:1", 3),
            ("MONTHLY_COST_CAP", "12.5", 5),
        ] {
            assert!(seen.contains(&wanted), "{wanted:?} in {seen:?}");
        }
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_the_line_and_the_nearest_key() {
        let error = read_text("\n[cloud]\nendpiont = \"http://x\"\n").expect_err("a typing error");
        let text = error.to_string();
        assert!(text.contains("everreach.toml:3") && text.contains("did you mean: cloud.endpoint"), "{text}");
    }

    #[test]
    fn the_name_from_the_environment_is_recognized_as_a_slip() {
        let text = read_text("DATABASE_URL = \"sqlite://x\"").expect_err("the wrong name").to_string();
        assert!(text.contains("did you mean: database.url"), "{text}");
    }

    #[test]
    fn a_table_where_a_value_belongs_is_refused_with_its_line() {
        let text = read_text("[listen]\nport = 1").expect_err("a table").to_string();
        assert!(text.contains("everreach.toml:1") && text.contains("listen"), "{text}");
    }

    #[test]
    fn broken_toml_names_its_line() {
        let text = read_text("env = \"local\"\nlisten = \n").expect_err("not TOML").to_string();
        assert!(text.contains("everreach.toml:2"), "{text}");
    }
}
