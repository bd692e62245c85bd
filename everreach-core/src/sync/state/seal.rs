//! Payloads sealed for the way between the sides: AES-256-GCM, bound to the version they belong to.

use std::fmt;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use rand::TryRng as _;
use rand::rngs::SysRng;
use secrecy::zeroize::Zeroize as _;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Document, StateKey, StateKind};
use crate::{Error, ErrorKind, Id, Result, Side};

const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const LONGEST_NAME: usize = 32;
/// What is sealed here and nothing else.
const PURPOSE: &[u8] = b"everreach state v1";
const WANTED: &str =
    "SYNC_ENCRYPTION_KEY is 32 bytes in base64 (`openssl rand -base64 32`), or several as name:key, the one to seal with first";

/// Padding may be left out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The keys that payloads are sealed and opened with: the first seals, all of them open, so that a key can be replaced.
///
/// To replace a key, put the new one behind the old one on both sides, then in front on both sides, then take the old one away.
///
/// ```
/// use everreach_core::sync::state::SealingKeys;
/// let one = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// let keys = SealingKeys::parse(&one.into())?;
/// assert_eq!(keys.names().count(), 1);
/// assert!(!format!("{keys:?}").contains("AAEC"));
/// assert!(SealingKeys::parse(&"c2hvcnQ=".into()).is_err());
/// # Ok::<(), everreach_core::Error>(())
/// ```
pub struct SealingKeys {
    keys: Vec<SealingKey>,
}

/// The cipher clears its key when it is dropped.
struct SealingKey {
    name: String,
    cipher: Aes256Gcm,
}

impl fmt::Debug for SealingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealingKeys").field("names", &self.names().collect::<Vec<_>>()).finish_non_exhaustive()
    }
}

/// What a sealed payload is bound to: moved to another version, row, kind or sender it does not open.
struct Bound<'a> {
    kind: StateKind,
    key: &'a StateKey,
    id: Id,
    number: i64,
    node: &'a str,
    side: Side,
}

impl<'a> Bound<'a> {
    fn of(document: &'a Document) -> Self {
        let Document { kind, key, id, number, node, side, .. } = document;
        Self { kind: *kind, key, id: *id, number: *number, node, side: *side }
    }

    /// Each part behind its length, so that no two rows give the same bytes.
    fn bytes(&self, key_name: &str) -> Vec<u8> {
        let id = self.id.as_uuid();
        let number = self.number.to_be_bytes();
        let parts: [&[u8]; 8] = [
            PURPOSE,
            key_name.as_bytes(),
            self.kind.as_str().as_bytes(),
            self.key.as_str().as_bytes(),
            id.as_bytes(),
            &number,
            self.node.as_bytes(),
            self.side.as_str().as_bytes(),
        ];
        parts.iter().fold(Vec::new(), |mut bytes, part| {
            bytes.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            bytes.extend_from_slice(part);
            bytes
        })
    }

    fn name(&self, error: Error) -> Error {
        error.with("kind", self.kind).with("key", self.key).with("version", self.id)
    }
}

impl SealingKeys {
    /// Reads `SYNC_ENCRYPTION_KEY`: one key, or several as `name:key,name:key`. A key without a name is called by a digest of it, so that
    /// both sides call it alike.
    ///
    /// # Errors
    /// [`ErrorKind::Config`], without any of the text.
    pub fn parse(text: &SecretString) -> Result<Self> {
        let mut keys: Vec<SealingKey> = Vec::new();
        for (place, entry) in text.expose_secret().split(',').map(str::trim).enumerate() {
            let key = SealingKey::parse(entry).map_err(|error| error.with("key number", place + 1))?;
            if keys.iter().any(|other| other.name == key.name) {
                let error = Error::new(ErrorKind::Config, "two keys in SYNC_ENCRYPTION_KEY have the same name or are the same");
                return Err(error.with("key number", place + 1));
            }
            keys.push(key);
        }
        Ok(Self { keys })
    }

    /// The keys' names, the one that seals first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.name.as_str())
    }

    /// Seals a document's payload: `name:` and base64 of nonce, text and tag.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when the system gives no random numbers.
    pub fn seal(&self, document: &Document) -> Result<String> {
        let failed = |sentence| Error::new(ErrorKind::Internal, sentence).with_operation("seal a payload");
        let key = self.keys.first().ok_or_else(|| failed("there is no key to seal with"))?;
        let mut nonce = [0_u8; NONCE_BYTES];
        SysRng.try_fill_bytes(&mut nonce).map_err(|source| failed("the system gives no random numbers").with_source(source))?;
        let aad = Bound::of(document).bytes(&key.name);
        let mut clear = document.payload.to_string().into_bytes();
        let sealed = key.cipher.encrypt(&nonce.into(), Payload { msg: &clear, aad: &aad });
        clear.zeroize();
        let sealed = sealed.map_err(|_| failed("a payload cannot be sealed"))?;
        Ok(format!("{}:{}", key.name, BASE64.encode([nonce.as_slice(), &sealed].concat())))
    }

    /// Opens what was sealed for this document; its own payload is not looked at.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] naming the row, never the content: it is sealed with a key that is not here, was cut, was changed, or
    /// belongs to another row.
    pub fn open(&self, sealed: &str, document: &Document) -> Result<Value> {
        let bound = Bound::of(document);
        let refuse = |sentence| bound.name(Error::new(ErrorKind::InvalidInput, sentence).with_operation("open a sealed payload"));
        let (name, body) = sealed.split_once(':').ok_or_else(|| refuse("a sealed payload has the form name:base64"))?;
        let key = self.keys.iter().find(|key| key.name == name).ok_or_else(|| {
            refuse("the payload is sealed with a key that is not in SYNC_ENCRYPTION_KEY here")
                .with("sealed with", name.chars().take(LONGEST_NAME).collect::<String>())
                .with("keys here", self.names().collect::<Vec<_>>().join(", "))
        })?;
        let bytes = BASE64.decode(body).map_err(|_| refuse("the sealed payload is no base64: it was cut or changed"))?;
        let Some((nonce, text)) = bytes.split_first_chunk::<NONCE_BYTES>().filter(|(_, text)| text.len() >= TAG_BYTES) else {
            return Err(refuse("the sealed payload was cut"));
        };
        let aad = bound.bytes(name);
        let mut clear = key.cipher.decrypt(&(*nonce).into(), Payload { msg: text, aad: &aad }).map_err(|_| {
            refuse("the sealed payload does not open: it was changed, belongs to another row, or the key of this name differs")
        })?;
        let payload = serde_json::from_slice(&clear);
        clear.zeroize();
        payload.map_err(|_| refuse("the sealed payload is no JSON"))
    }
}

impl SealingKey {
    fn parse(entry: &str) -> Result<Self> {
        let wrong = || Error::new(ErrorKind::Config, WANTED);
        let (name, text) = entry.split_once(':').map_or((None, entry), |(name, text)| (Some(name), text));
        let is_name = |name: &str| {
            (1..=LONGEST_NAME).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        if name.is_some_and(|name| !is_name(name)) {
            return Err(wrong());
        }
        let mut bytes = BASE64.decode(text).map_err(|_| wrong())?;
        let cipher = Aes256Gcm::new_from_slice(&bytes).map_err(|_| wrong().with("seen bytes", bytes.len()));
        let digest = Sha256::new().chain_update(PURPOSE).chain_update(&bytes).finalize();
        bytes.zeroize();
        let derived = || hex::encode(digest.get(..4).unwrap_or_default());
        Ok(Self { name: name.map_or_else(derived, str::to_owned), cipher: cipher? })
    }
}

#[cfg(test)]
#[path = "seal_tests.rs"]
mod tests;
