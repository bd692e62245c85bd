//! Why the gate keeps a command back.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::safari::{DispatchOutcome, Reason, Repeat};
use crate::{Error, ErrorKind};

/// Why the gate keeps a command back: one stable code for each rule.
///
/// ```
/// assert_eq!(everreach_core::safari::gate::RefusalCode::UnexpectedHost.as_str(), "unexpected_host");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalCode {
    /// The action is none of our verbs.
    UnknownVerb,
    /// The parameters are not an object.
    ParamsNotObject,
    /// The column and the parameters name different platforms.
    PlatformConflict,
    /// There is no such platform.
    UnknownPlatform,
    /// No platform is named.
    MissingPlatform,
    /// No service does this on this platform.
    NoEndpoint,
    /// Nothing to say.
    MissingText,
    /// Nobody to say it to.
    MissingRecipient,
    /// No post to say it under: some services would comment on whatever page is open.
    MissingPostUrl,
    /// Nothing to search for.
    MissingKeyword,
    /// No page to open.
    MissingUrl,
    /// A parameter is of another JSON type than it has to be.
    WrongType,
    /// Two names of one parameter hold different values.
    ConflictingParams,
    /// A quote, backtick, backslash, dollar sign, blank or control character in a name or an address.
    ForbiddenCharacter,
    /// Not a user name.
    InvalidHandle,
    /// Not an address.
    InvalidUrl,
    /// An address that is not https.
    NotHttps,
    /// An address on another host than the platform's.
    UnexpectedHost,
    /// An address with a user or a password in it.
    UrlCredentials,
    /// An address with a port in it.
    UrlPort,
    /// The address of something else than a post.
    NotAPost,
    /// A shortened address, which the service refuses.
    ShortLink,
    /// The address of something else than a person's profile.
    NotAProfile,
    /// A backtick, a backslash or `$(` in a text that may be typed through a shell.
    ShellSyntax,
    /// A word that the service would replace in public.
    RewrittenWord,
    /// More text than the service takes.
    TextTooLong,
    /// A number beyond its bounds.
    OutOfRange,
    /// Generated text, where the service generates none.
    NoGeneratedText,
}

impl RefusalCode {
    /// Every code.
    pub const ALL: [Self; 28] = [
        Self::UnknownVerb,
        Self::ParamsNotObject,
        Self::PlatformConflict,
        Self::UnknownPlatform,
        Self::MissingPlatform,
        Self::NoEndpoint,
        Self::MissingText,
        Self::MissingRecipient,
        Self::MissingPostUrl,
        Self::MissingKeyword,
        Self::MissingUrl,
        Self::WrongType,
        Self::ConflictingParams,
        Self::ForbiddenCharacter,
        Self::InvalidHandle,
        Self::InvalidUrl,
        Self::NotHttps,
        Self::UnexpectedHost,
        Self::UrlCredentials,
        Self::UrlPort,
        Self::NotAPost,
        Self::ShortLink,
        Self::NotAProfile,
        Self::ShellSyntax,
        Self::RewrittenWord,
        Self::TextTooLong,
        Self::OutOfRange,
        Self::NoGeneratedText,
    ];

    /// The stable code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownVerb => "unknown_verb",
            Self::ParamsNotObject => "params_not_object",
            Self::PlatformConflict => "platform_conflict",
            Self::UnknownPlatform => "unknown_platform",
            Self::MissingPlatform => "missing_platform",
            Self::NoEndpoint => "no_endpoint",
            Self::MissingText => "missing_text",
            Self::MissingRecipient => "missing_recipient",
            Self::MissingPostUrl => "missing_post_url",
            Self::MissingKeyword => "missing_keyword",
            Self::MissingUrl => "missing_url",
            Self::WrongType => "wrong_type",
            Self::ConflictingParams => "conflicting_params",
            Self::ForbiddenCharacter => "forbidden_character",
            Self::InvalidHandle => "invalid_handle",
            Self::InvalidUrl => "invalid_url",
            Self::NotHttps => "not_https",
            Self::UnexpectedHost => "unexpected_host",
            Self::UrlCredentials => "url_credentials",
            Self::UrlPort => "url_port",
            Self::NotAPost => "not_a_post",
            Self::ShortLink => "short_link",
            Self::NotAProfile => "not_a_profile",
            Self::ShellSyntax => "shell_syntax",
            Self::RewrittenWord => "rewritten_word",
            Self::TextTooLong => "text_too_long",
            Self::OutOfRange => "out_of_range",
            Self::NoGeneratedText => "no_generated_text",
        }
    }
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for RefusalCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A final refusal of the gate: which rule, which field, and a sentence.
///
/// ```
/// use everreach_core::safari::gate::check;
/// use everreach_core::safari::{Command, DispatchOutcome, DispatchVerdict, Platform, Repeat};
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// let refusal = check(&Command::dm(Platform::Twitter, "bob'; open /", "hi", now)).expect_err("a quote");
/// assert_eq!((refusal.code.as_str(), refusal.field), ("forbidden_character", "username"));
/// assert_eq!(DispatchOutcome::from(refusal).verdict, DispatchVerdict::Refused(Repeat::Never));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Refusal {
    /// Which rule.
    pub code: RefusalCode,
    /// Which field of the row, by its name there.
    pub field: &'static str,
    /// What is wrong, what was seen, and what to do about it.
    pub detail: String,
}

impl Refusal {
    pub(super) fn new(code: RefusalCode, field: &'static str, detail: impl Into<String>) -> Self {
        Self { code, field, detail: detail.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.detail)
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for DispatchOutcome {
    fn from(refusal: Refusal) -> Self {
        Self::refused(Repeat::Never, Reason::Gate(refusal.code), refusal.to_string())
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::new(ErrorKind::InvalidParams, refusal.to_string())
            .with_operation("check command")
            .with("code", refusal.code)
            .with_source(refusal)
    }
}

/// The beginning of something from outside, harmless to print.
pub(super) fn shown(text: &str) -> String {
    const SHOWN: usize = 60;
    let mut chars = text.chars();
    let mut shown: String = chars.by_ref().take(SHOWN).flat_map(char::escape_debug).collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}
