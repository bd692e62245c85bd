//! What the constructors are told, as settings of the core: arguments win over the environment, `.env` and `everreach.toml`.

use std::path::PathBuf;

use everreach_core::runtime::RuntimeConfig;
use everreach_core::{Error, ErrorKind, Result};
use everreach_server::settings::{Layers, Setting, table};
use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyInt, PyMapping, PyString};

use crate::convert::{errors, json};

/// Values that were given in code, each with the name of its argument.
#[derive(Default)]
pub(crate) struct Given {
    file: Option<PathBuf>,
    values: Vec<(&'static str, &'static Setting, String)>,
}

impl Given {
    /// Reads `config`: the path of a file of settings, or a mapping from names of settings to values.
    pub(crate) fn from_config(config: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let mut given = Self::default();
        let Some(config) = config else { return Ok(given) };
        if let Ok(mapping) = config.cast::<PyMapping>() {
            for pair in mapping.items()?.iter() {
                let (name, value): (String, Bound<'_, PyAny>) = pair.extract()?;
                let setting = setting(&name).map_err(|error| errors::raise(config.py(), &error))?;
                given.values.push(("config", setting, text_of(&value)?));
            }
            return Ok(given);
        }
        let path = config.extract::<PathBuf>().map_err(|_| {
            let wanted = Error::new(ErrorKind::Config, "the path of a file of settings, or a mapping of them, is wanted");
            errors::raise(config.py(), &wanted.with("field", "config").with("seen", json::type_name(config)))
        })?;
        given.file = Some(path);
        Ok(given)
    }

    /// Adds an argument, when it was given.
    pub(crate) fn with(mut self, argument: &'static str, setting: &'static Setting, value: Option<impl ToString>) -> Self {
        self.values.extend(value.map(|value| (argument, setting, value.to_string())));
        self
    }

    /// The settings of the core.
    pub(crate) fn runtime_config(self) -> Result<RuntimeConfig> {
        let mut layers = Layers::of_this_process(self.file);
        for (argument, setting, text) in self.values {
            layers = layers.with_argument(argument, setting, text);
        }
        let settings = layers.load()?;
        for warning in &settings.warnings {
            tracing::warn!("{warning}");
        }
        Ok(settings.resolve()?.runtime)
    }
}

/// A setting by its name in the environment or in `everreach.toml`.
fn setting(name: &str) -> Result<&'static Setting> {
    if let Some(setting) = table::by_key(name).or_else(|| table::all().find(|setting| setting.env == name)) {
        return Ok(setting);
    }
    let error = Error::new(ErrorKind::Config, "there is no such setting").with("field", "config").with("seen", name);
    match table::nearest(name, table::all().flat_map(|setting| [setting.env, setting.key])) {
        Some(meant) => Err(error.with("did you mean", meant)),
        None => Err(error),
    }
}

/// `True` is `1` in a setting, `None` is unset.
fn text_of(value: &Bound<'_, PyAny>) -> PyResult<String> {
    if value.is_none() {
        return Ok(String::new());
    }
    if let Ok(flag) = value.cast::<pyo3::types::PyBool>() {
        return Ok(u8::from(flag.is_true()).to_string());
    }
    let is_plain = value.is_instance_of::<PyString>() || value.is_instance_of::<PyInt>() || value.is_instance_of::<PyFloat>();
    if is_plain || value.hasattr("__fspath__")? || value.hasattr("as_tuple")? {
        return Ok(value.str()?.to_string());
    }
    let error = Error::new(ErrorKind::Config, "a setting is a text, a number, a path or a bool").with("field", "config");
    Err(errors::raise(value.py(), &error.with("seen", json::type_name(value))))
}
