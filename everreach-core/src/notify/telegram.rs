//! Notices over the Telegram Bot API.

use std::borrow::Cow;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;

use super::Notifier;
use crate::http::read_bounded;
use crate::{Error, ErrorKind, Result, Retry};

/// The API's limit for one message, markup not counted, in the units of UTF-16 that it counts in.
const LONGEST_MESSAGE: usize = 4_096;
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

/// Sends notices to a Telegram chat: the first line of several in bold, everything else as it is, since whatever looks like markup in
/// a notice is escaped.
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
        let body = json!({"chat_id": self.config.chat_id, "text": html(&shorten(message)), "parse_mode": "HTML"});
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

/// The message, cut to what the API takes. It comes before the escaping, so that nothing that stands for one character is cut apart.
fn shorten(message: &str) -> Cow<'_, str> {
    let (mut units, mut end) = (0, 0);
    for (at, c) in message.char_indices() {
        units += c.len_utf16();
        if units > LONGEST_MESSAGE {
            return Cow::Owned(format!("{}…", &message[..end]));
        }
        // As long as there is room for the dots after it.
        if units < LONGEST_MESSAGE {
            end = at + c.len_utf8();
        }
    }
    Cow::Borrowed(message)
}

/// The message as the API's HTML.
fn html(message: &str) -> String {
    match message.split_once('\n') {
        Some((title, rest)) if !title.trim().is_empty() => format!("<b>{}</b>\n{}", escape(title), escape(rest)),
        _ => escape(message),
    }
}

/// The three characters that mean something in the API's HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_notices_are_cut_at_the_limit_as_the_api_counts() {
        assert_eq!(shorten("short"), "short");
        let units = |text: &str| text.encode_utf16().count();
        assert_eq!(units(&shorten(&"ü".repeat(5_000))), LONGEST_MESSAGE);
        let whole = "🚫".repeat(LONGEST_MESSAGE / 2);
        assert_eq!(shorten(&whole), whole.as_str(), "an emoji counts as two");
        let cut = shorten(&"🚫".repeat(LONGEST_MESSAGE)).into_owned();
        assert!(units(&cut) <= LONGEST_MESSAGE && cut.ends_with("🚫…"), "{}", units(&cut));
    }

    #[test]
    fn what_looks_like_markup_is_text_and_no_cut_goes_through_it() {
        assert_eq!(html("Down: <b>x</b> & co\n</b>a < b"), "<b>Down: &lt;b&gt;x&lt;/b&gt; &amp; co</b>\n&lt;/b&gt;a &lt; b");
        assert_eq!((html("one & only").as_str(), html("\nbelow").as_str()), ("one &amp; only", "\nbelow"));
        let long = html(&shorten(&"&".repeat(5_000)));
        assert!(long.ends_with("&amp;…") && long.matches("&amp;").count() == LONGEST_MESSAGE - 1);
    }

    #[test]
    fn the_api_says_how_long_it_wants_to_be_left_alone() {
        let body = br#"{"ok": false, "error_code": 429, "parameters": {"retry_after": 7}}"#;
        assert_eq!(retry_after(body), Some(Duration::from_secs(7)));
        assert_eq!(retry_after(b"<html>"), None);
    }
}
