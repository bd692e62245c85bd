//! Notices over the Telegram Bot API.

use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;

use super::Notifier;
use crate::http::read_bounded;
use crate::{Error, ErrorKind, Result, Retry};

/// The API's limit for one message, in characters.
const MAX_CHARACTERS: usize = 4_096;
const TIMEOUT: Duration = Duration::from_secs(10);
const LONGEST_ANSWER: usize = 16 * 1024;

/// A bot and the chat it writes to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TelegramConfig {
    /// The bot's token.
    pub token: SecretString,
    /// The chat's id.
    pub chat_id: String,
    /// The API's base URL.
    pub base_url: Url,
}

impl TelegramConfig {
    /// A bot that writes to this chat.
    #[must_use]
    pub fn new(token: impl Into<SecretString>, chat_id: impl Into<String>, base_url: Url) -> Self {
        Self { token: token.into(), chat_id: chat_id.into(), base_url }
    }
}

/// Sends notices to a Telegram chat.
#[derive(Debug, Clone)]
pub struct TelegramNotifier {
    config: TelegramConfig,
    client: reqwest::Client,
}

impl TelegramNotifier {
    /// A notifier for this bot and chat.
    #[must_use]
    pub const fn new(config: TelegramConfig, client: reqwest::Client) -> Self {
        Self { config, client }
    }
}

#[async_trait]
impl Notifier for TelegramNotifier {
    async fn notify(&self, message: &str) -> Result<()> {
        let mut url = self.config.base_url.clone();
        let method = format!("bot{}/sendMessage", self.config.token.expose_secret());
        url.path_segments_mut()
            .map_err(|()| Error::new(ErrorKind::Config, "TELEGRAM_BASE_URL is an http or https URL"))?
            .pop_if_empty()
            .extend(method.split('/'));
        let body = json!({"chat_id": self.config.chat_id, "text": shorten(message)});
        let failed =
            |detail: String| Error::new(ErrorKind::Unreachable, "the notice was not delivered to Telegram").with("cause", detail);
        let answer = self.client.post(url).json(&body).timeout(TIMEOUT).send().await;
        // The URL carries the token, so it must not show up in the error.
        let answer = answer.map_err(|error| failed(error.without_url().to_string()))?;
        if answer.status().is_success() {
            return Ok(());
        }
        let error = failed(format!("HTTP {}", answer.status()));
        let body = read_bounded(answer, LONGEST_ANSWER).await.unwrap_or_default();
        Err(match retry_after(&body) {
            Some(wait) => error.with_retry(Retry::Later(wait)),
            None => error,
        })
    }
}

/// How long the API asks to be left alone, when there were too many messages.
fn retry_after(body: &[u8]) -> Option<Duration> {
    let answer: serde_json::Value = serde_json::from_slice(body).ok()?;
    answer.pointer("/parameters/retry_after")?.as_u64().map(Duration::from_secs)
}

/// The message, cut to what the API takes.
fn shorten(message: &str) -> String {
    if message.chars().count() <= MAX_CHARACTERS {
        return message.to_owned();
    }
    let mut short: String = message.chars().take(MAX_CHARACTERS - 1).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_notices_are_cut_at_the_limit_in_characters() {
        assert_eq!(shorten("short"), "short");
        assert_eq!(shorten(&"ü".repeat(5_000)).chars().count(), MAX_CHARACTERS);
    }

    #[test]
    fn the_api_says_how_long_it_wants_to_be_left_alone() {
        let body = br#"{"ok": false, "error_code": 429, "parameters": {"retry_after": 7}}"#;
        assert_eq!(retry_after(body), Some(Duration::from_secs(7)));
        assert_eq!(retry_after(b"<html>"), None);
    }
}
