//! Secrets: kept in [`SecretString`], compared in constant time, sent as bearer keys.

use http::HeaderValue;
use secrecy::ExposeSecret;
pub use secrecy::SecretString;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{Error, ErrorKind, Result};

/// Whether a presented text is the secret, in a time that tells neither its content nor its length.
///
/// ```
/// use everreach_core::secret::{SecretString, matches};
/// let key = SecretString::from("er_live_1");
/// assert!(matches(&key, "er_live_1") && !matches(&key, "er_live_"));
/// ```
#[must_use]
pub fn matches(secret: &SecretString, presented: &str) -> bool {
    let digest = |text: &str| Sha256::digest(text.as_bytes());
    digest(secret.expose_secret()).ct_eq(&digest(presented)).into()
}

/// The `Authorization` header that carries a key; marked sensitive, so that it is not shown by `Debug`.
///
/// # Errors
/// [`ErrorKind::Config`] when the key is empty or has characters that no header can carry. The key is not in the error.
///
/// ```
/// let header = everreach_core::secret::bearer_header(&"er_live_1".into())?;
/// assert!(header.is_sensitive() && !format!("{header:?}").contains("er_live_1"));
/// # Ok::<(), everreach_core::Error>(())
/// ```
pub fn bearer_header(key: &SecretString) -> Result<HeaderValue> {
    let text = key.expose_secret();
    let unusable =
        || Error::new(ErrorKind::Config, "a bearer key is visible ASCII without spaces; check the key for stray characters");
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(unusable());
    }
    let mut header = HeaderValue::try_from(format!("Bearer {text}")).map_err(|_| unusable())?;
    header.set_sensitive(true);
    Ok(header)
}

/// The key inside an `Authorization` header; `None` when it is not a bearer key.
///
/// ```
/// use everreach_core::secret::bearer_token;
/// assert_eq!(bearer_token("bearer er_live_1"), Some("er_live_1"));
/// assert_eq!(bearer_token("Basic dXNlcjpwYXNz"), None);
/// ```
#[must_use]
pub fn bearer_token(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_with_a_line_break_is_refused_without_being_shown() {
        let error = bearer_header(&"er_live\r\nX-Evil: 1".into()).expect_err("a line break");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(!format!("{error:?} {error}").contains("er_live"));
    }

    #[test]
    fn a_secret_does_not_show_in_debug() {
        assert!(!format!("{:?}", SecretString::from("er_live_1")).contains("er_live_1"));
    }
}
