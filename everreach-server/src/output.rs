//! What a command prints: data on stdout, everything else on stderr, JSON on request.

use std::io::{IsTerminal, Write};

use serde_json::Value;

use crate::exit::{Failure, Outcome};

/// How the answers are to look.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Output {
    format: Format,
    notes: Notes,
    has_colors: bool,
}

/// The shape of data on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Short plain text.
    Plain,
    /// JSON.
    Json,
}

/// Whether notes appear on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notes {
    /// They do.
    Shown,
    /// Only errors do.
    Quiet,
}

impl Output {
    /// An output of this shape. Errors are red on a terminal, unless the operator wants no colors.
    #[must_use]
    pub fn new(format: Format, notes: Notes, colors: Colors) -> Self {
        let has_colors = colors == Colors::OnTerminal && format == Format::Plain && std::io::stderr().is_terminal();
        Self { format, notes, has_colors }
    }

    /// Whether data goes out as JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Whether a moving progress bar is welcome.
    #[must_use]
    pub fn shows_progress(&self) -> bool {
        self.notes == Notes::Shown && std::io::stderr().is_terminal()
    }

    /// Prints data: as one line of JSON, or as the text that `plain` makes of it.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn data(&self, value: &Value, plain: impl FnOnce(&Value) -> String) -> Outcome {
        match self.format {
            Format::Json => self.line(&value.to_string()),
            Format::Plain => self.text(&plain(value)),
        }
    }

    /// Prints one line on stdout.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn line(&self, line: &str) -> Outcome {
        self.text(&format!("{line}\n"))
    }

    /// Prints text on stdout as it is.
    ///
    /// # Errors
    /// When stdout cannot be written.
    #[allow(clippy::unused_self, reason = "everything that prints goes through an output")]
    pub fn text(&self, text: &str) -> Outcome {
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        stdout.flush()?;
        Ok(())
    }

    /// Prints a note on stderr. A note that nobody can read is not worth failing for.
    pub fn note(&self, note: &str) {
        if self.notes == Notes::Shown {
            let _unread = writeln!(std::io::stderr().lock(), "{note}");
        }
    }

    /// Prints what went wrong inside an answer, on stderr, for people; programs find it in the data.
    pub(crate) fn complaint(&self, text: &str) {
        if self.format == Format::Plain {
            let _unread = writeln!(std::io::stderr().lock(), "{} {text}", self.red("error:"));
        }
    }

    /// Prints why a command failed, on stderr.
    pub fn failure(&self, failure: &Failure) {
        let text = match self.format {
            Format::Json => failure.problem().map(|problem| problem.to_string()),
            Format::Plain => failure.lines().map(|lines| format!("{} {lines}", self.red("error:"))),
        };
        if let Some(text) = text {
            let _unread = writeln!(std::io::stderr().lock(), "{text}");
        }
    }

    fn red(&self, text: &str) -> String {
        if self.has_colors { format!("\u{1b}[31m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Whether colors may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Colors {
    /// Where a person looks on.
    OnTerminal,
    /// Never.
    Never,
}

/// Rows as aligned columns under their headings; the names are the fields to show.
///
/// ```
/// use everreach_server::output::columns;
/// let rows = serde_json::json!([{"name": "ci", "scopes": ["read", "dispatch"]}]);
/// let text = columns(rows.as_array().expect("rows"), &["name", "scopes"]);
/// assert_eq!(text, "NAME  SCOPES\nci    read,dispatch\n");
/// ```
#[must_use]
pub fn columns(rows: &[Value], names: &[&str]) -> String {
    let heading: Vec<String> = names.iter().map(|name| name.to_uppercase()).collect();
    let cells: Vec<Vec<String>> = rows.iter().map(|row| names.iter().map(|name| cell(&row[*name])).collect()).collect();
    let widths: Vec<usize> = (0..names.len())
        .map(|column| std::iter::once(&heading).chain(&cells).map(|row| row[column].chars().count()).max().unwrap_or_default())
        .collect();
    let mut text = String::new();
    for row in std::iter::once(&heading).chain(&cells) {
        let line: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// One value on one line.
#[must_use]
pub(crate) fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.replace(['\n', '\r', '\t'], " "),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// Names and values as aligned lines.
#[must_use]
pub(crate) fn fields(pairs: &[(&str, String)]) -> String {
    let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    pairs.iter().map(|(name, value)| format!("{name:width$}  {value}\n")).collect()
}

/// JSON over several lines, for people.
#[must_use]
pub(crate) fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_align_and_show_what_is_missing_as_a_dash() {
        let rows = [json!({"id": "1", "name": "long name"}), json!({"id": "22", "name": null})];
        assert_eq!(columns(&rows, &["id", "name"]), "ID  NAME\n1   long name\n22  -\n");
    }

    #[test]
    fn a_cell_never_breaks_its_line() {
        assert_eq!(cell(&json!("a\nb")), "a b");
        assert_eq!(fields(&[("url", "x".to_owned()), ("longer", "y".to_owned())]), "url     x\nlonger  y\n");
    }

    #[test]
    fn json_output_has_no_colors() {
        let output = Output::new(Format::Json, Notes::Shown, Colors::OnTerminal);
        assert_eq!(output.red("error:"), "error:");
    }
}
