//! What stops more than a command.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a platform, or one kind of action on it, has to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HaltCause {
    /// A captcha, which a person has to solve; never solved here.
    Captcha,
    /// Signed out: a person has to sign in.
    Login,
    /// This kind of action is blocked for a while.
    ActionBlock,
    /// The platform limits the account.
    PlatformLimit,
    /// The account is restricted or suspended.
    Restricted,
}

impl HaltCause {
    /// The word for it in tables and answers.
    ///
    /// ```
    /// assert_eq!(everreach_core::safari::HaltCause::ActionBlock.as_str(), "action_block");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Captcha => "captcha",
            Self::Login => "login",
            Self::ActionBlock => "action_block",
            Self::PlatformLimit => "platform_limit",
            Self::Restricted => "restricted",
        }
    }
}

impl fmt::Display for HaltCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
