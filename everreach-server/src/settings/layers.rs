//! The layers: who set what, and who wins.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};

use everreach_core::store::redact_url;
use everreach_core::{Error, ErrorKind, Result};

use super::table::{self, Setting};
use super::{dotenv, file};

/// The file of settings that is read when `--config` names no other.
const FILE_NAME: &str = "everreach.toml";

/// Names of ours in the environment that are no settings of a running system.
const NOT_SETTINGS: [&str; 1] = ["EVERREACH_TEST_POSTGRES_URL"];

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// The command line.
    Flag(&'static str),
    /// A program that embeds the server's settings.
    Argument(&'static str),
    /// The environment.
    Environment,
    /// A `.env` file.
    DotEnv,
    /// `everreach.toml`.
    File {
        /// The file.
        path: PathBuf,
        /// The line in it.
        line: usize,
    },
    /// Nobody set it.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "flag {flag}"),
            Self::Argument(name) => write!(f, "argument {name}"),
            Self::Environment => f.write_str("environment"),
            Self::DotEnv => f.write_str(".env"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// One value and its origin.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Value {
    /// The text as it was written; never empty.
    pub text: String,
    /// Who wrote it.
    pub origin: Origin,
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Only the settings know whether the text is a secret.
        f.debug_struct("Value").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// What the layers are read from.
///
/// ```
/// use everreach_server::settings::{Layers, table};
/// let settings = Layers::default().with_flag("--env", &table::ENV, "cloud").load()?;
/// assert_eq!(settings.text(&table::ENV), Some("cloud"));
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Default, Clone)]
#[non_exhaustive]
pub struct Layers {
    /// Values given on the command line or by an embedding program, which win over everything else.
    pub given: Vec<(Origin, &'static Setting, String)>,
    /// The environment.
    pub environment: HashMap<String, String>,
    /// The folder in which `.env` and `everreach.toml` are looked for; neither is read when unset.
    pub folder: Option<PathBuf>,
    /// The file given with `--config`, which has to exist.
    pub config: Option<PathBuf>,
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names without their values: the environment holds other programs' secrets too.
        let given: Vec<_> = self.given.iter().map(|(origin, setting, _)| (setting.env, origin)).collect();
        f.debug_struct("Layers")
            .field("given", &given)
            .field("environment", &self.environment.len())
            .field("folder", &self.folder)
            .field("config", &self.config)
            .finish()
    }
}

impl Layers {
    /// The layers of this process: its environment, and the files of its working directory.
    #[must_use]
    pub fn of_this_process(config: Option<PathBuf>) -> Self {
        let environment =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect();
        Self { given: Vec::new(), environment, folder: Some(PathBuf::from(".")), config }
    }

    /// Lets a flag set a value.
    #[must_use]
    pub fn with_flag(mut self, flag: &'static str, setting: &'static Setting, text: impl Into<String>) -> Self {
        self.given.push((Origin::Flag(flag), setting, text.into()));
        self
    }

    /// Lets an argument of an embedding program set a value.
    #[must_use]
    pub fn with_argument(mut self, name: &'static str, setting: &'static Setting, text: impl Into<String>) -> Self {
        self.given.push((Origin::Argument(name), setting, text.into()));
        self
    }

    /// Reads the files and lets the layers settle every value. An empty value counts as unset.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a file that cannot be read, and for a key in it that is unknown.
    pub fn load(self) -> Result<Settings> {
        let mut settings = Settings::defaults();
        if let Some((path, text)) = self.config_file()? {
            for entry in file::read(&path, &text)? {
                settings.set(entry.setting, &entry.text, &Origin::File { path: path.clone(), line: entry.line });
            }
        }
        if let Some(folder) = &self.folder {
            let pairs = dotenv::read(&folder.join(".env"))?;
            settings.warn_of_unknown(pairs.iter().map(|(name, _)| name.as_str()), &Origin::DotEnv);
            settings.set_all(&pairs.into_iter().collect(), &Origin::DotEnv);
        }
        settings.warn_of_unknown(self.environment.keys().map(String::as_str), &Origin::Environment);
        settings.set_all(&self.environment, &Origin::Environment);
        settings.machine_zone = self.environment.get("TZ").filter(|zone| !zone.is_empty()).cloned();
        for (origin, setting, text) in self.given {
            settings.set(setting, &text, &origin);
        }
        Ok(settings)
    }

    fn config_file(&self) -> Result<Option<(PathBuf, String)>> {
        let unreadable = |path: &Path, source: std::io::Error| {
            Error::new(ErrorKind::Config, "the file of settings cannot be read; `everreach init` writes one")
                .with("file", path.display())
                .with("cause", &source)
                .with_source(source)
        };
        if let Some(path) = &self.config {
            let text = std::fs::read_to_string(path).map_err(|source| unreadable(path, source))?;
            return Ok(Some((path.clone(), text)));
        }
        let Some(folder) = &self.folder else { return Ok(None) };
        match std::fs::read_to_string(folder.join(FILE_NAME)) {
            Ok(text) => Ok(Some((PathBuf::from(FILE_NAME), text))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unreadable(Path::new(FILE_NAME), error)),
        }
    }
}

/// Every setting with the value that won.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    values: BTreeMap<&'static str, Value>,
    /// The zone that the environment gives this machine's programs.
    machine_zone: Option<String>,
    /// What is odd without being wrong, such as a name that looks like a mistyped setting.
    pub warnings: Vec<String>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(table::all().filter_map(|setting| Some((setting.env, self.shown(setting)?)))).finish()
    }
}

impl Settings {
    fn defaults() -> Self {
        let value = |text: &str| Value { text: text.to_owned(), origin: Origin::Default };
        let values = table::all().filter_map(|setting| Some((setting.env, value(setting.default?)))).collect();
        Self { values, machine_zone: None, warnings: Vec::new() }
    }

    /// The value of a setting; `None` when nobody set it and it has no default.
    #[must_use]
    pub fn get(&self, setting: &Setting) -> Option<&Value> {
        self.values.get(setting.env)
    }

    /// The text of a setting.
    #[must_use]
    pub fn text(&self, setting: &Setting) -> Option<&str> {
        self.get(setting).map(|value| value.text.as_str())
    }

    /// The value as people may see it: `***` for a secret, URLs without their password.
    #[must_use]
    pub fn shown(&self, setting: &Setting) -> Option<String> {
        let text = self.text(setting)?;
        Some(if setting.is_secret { "***".to_owned() } else { redact_url(text) })
    }

    /// Where a setting came from.
    #[must_use]
    pub fn origin(&self, setting: &Setting) -> Origin {
        self.get(setting).map_or(Origin::Default, |value| value.origin.clone())
    }

    /// The name of the time zone of this machine: of the environment, else of the system; none when it names none.
    pub(super) fn machine_zone(&self) -> Option<String> {
        let of_environment = self.machine_zone.as_ref().map(|zone| zone.trim_start_matches(':').to_owned());
        of_environment.or_else(|| iana_time_zone::get_timezone().ok())
    }

    /// The time zone of this machine. Where it names none that is known, its clock shows UTC.
    pub(super) fn local_zone(&self) -> chrono_tz::Tz {
        self.machine_zone().and_then(|name| name.parse().ok()).unwrap_or(chrono_tz::UTC)
    }

    fn set(&mut self, setting: &'static Setting, text: &str, origin: &Origin) {
        if !text.trim().is_empty() {
            let _former = self.values.insert(setting.env, Value { text: text.trim().to_owned(), origin: origin.clone() });
        }
    }

    fn set_all(&mut self, pairs: &HashMap<String, String>, origin: &Origin) {
        for setting in table::all() {
            if let Some(text) = pairs.get(setting.env) {
                self.set(setting, text, origin);
            }
        }
    }

    /// A mistyped `EVERREACH_…` would be ignored without a word otherwise.
    fn warn_of_unknown<'n>(&mut self, names: impl Iterator<Item = &'n str>, origin: &Origin) {
        let known = |name: &str| NOT_SETTINGS.contains(&name) || table::all().any(|setting| setting.env == name);
        let mut unknown: Vec<_> = names.filter(|name| name.starts_with("EVERREACH_") && !known(name)).collect();
        unknown.sort_unstable();
        for name in unknown {
            let hint = table::nearest(name, table::all().map(|setting| setting.env));
            let hint = hint.map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
            self.warnings.push(format!("{name} ({origin}) is no setting{hint}"));
        }
    }
}
