//! Notices over the Telegram Bot API.

use secrecy::SecretString;
use url::Url;

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
