//! Reading one value: each failure names the setting, where the value came from, what was seen and what is wanted.

use std::str::FromStr;

use everreach_core::{Error, ErrorKind, Result};
use secrecy::SecretString;
use url::Url;

use super::{Setting, Settings};

impl Settings {
    /// The value read with `read`; `None` when unset.
    pub(super) fn read<T>(&self, setting: &Setting, wanted: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>> {
        let Some(value) = self.get(setting) else { return Ok(None) };
        read(&value.text).map(Some).ok_or_else(|| self.refuse(setting, wanted))
    }

    /// The value of a setting that has a default.
    pub(super) fn need<T>(&self, setting: &Setting, wanted: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<T> {
        self.read(setting, wanted, read)?.ok_or_else(|| self.refuse(setting, wanted))
    }

    /// The value through its `FromStr`.
    pub(super) fn parse<T: FromStr>(&self, setting: &Setting, wanted: &str) -> Result<T> {
        self.need(setting, wanted, |text| text.parse().ok())
    }

    /// The complaint about a value; secrets are not repeated.
    pub(super) fn refuse(&self, setting: &Setting, wanted: &str) -> Error {
        Error::new(ErrorKind::Config, format!("{} must be {wanted}", setting.env))
            .with("seen", self.shown(setting).unwrap_or_else(|| "nothing".to_owned()))
            .with("from", self.origin(setting))
    }

    pub(super) fn secret(&self, setting: &Setting) -> Option<SecretString> {
        self.text(setting).map(SecretString::from)
    }

    pub(super) fn url(&self, setting: &Setting) -> Result<Option<Url>> {
        let is_http = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        self.read(setting, "a URL such as https://host:8090", |text| Url::parse(text).ok().filter(is_http))
    }

    pub(super) fn switch(&self, setting: &Setting) -> Result<bool> {
        let read = |text: &str| match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Some(true),
            "0" | "false" | "no" | "off" => Some(false),
            _ => None,
        };
        self.read(setting, "1 or 0", read).map(Option::unwrap_or_default)
    }

    pub(super) fn list(&self, setting: &Setting) -> Vec<String> {
        let text = self.text(setting).unwrap_or_default();
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }
}
