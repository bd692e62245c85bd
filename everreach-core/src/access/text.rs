//! The text of a key: `er_`, 43 characters of secret, 6 of checksum. Letters and digits only, so that a double click takes it whole.

use rand::TryRng;
use rand::rngs::SysRng;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::{Error, ErrorKind, Result};

const PREFIX: &str = "er_";
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 32 bytes in base 62.
const SECRET_LENGTH: usize = 43;
/// 32 bits in base 62.
const CHECK_LENGTH: usize = 6;

/// A new key from the system's generator.
pub(super) fn generate() -> Result<SecretString> {
    let mut bytes = [0_u8; 32];
    SysRng.try_fill_bytes(&mut bytes).map_err(|source| {
        Error::new(ErrorKind::Internal, "the system gives no random numbers").with_operation("make a key").with_source(source)
    })?;
    Ok(SecretString::from(spell(&bytes)))
}

pub(super) fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

pub(super) fn hash_hex(key: &SecretString) -> String {
    hex::encode(hash(key.expose_secret()))
}

/// Whether the text is a key that was copied whole. Says nothing about whether it is valid.
pub(super) fn is_well_formed(text: &str) -> bool {
    let Some(body) = text.strip_prefix(PREFIX) else { return false };
    if body.len() != SECRET_LENGTH + CHECK_LENGTH || !body.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return false;
    }
    let (secret, check) = body.split_at(SECRET_LENGTH);
    checksum(secret) == check
}

fn spell(bytes: &[u8; 32]) -> String {
    let secret = base62(bytes, SECRET_LENGTH);
    let check = checksum(&secret);
    format!("{PREFIX}{secret}{check}")
}

fn checksum(secret: &str) -> String {
    base62(&hash(secret)[..4], CHECK_LENGTH)
}

/// The bytes as one big-endian number, in this many digits.
fn base62(bytes: &[u8], length: usize) -> String {
    let mut number = bytes.to_vec();
    let mut digits = vec![0_u8; length];
    for digit in digits.iter_mut().rev() {
        let mut remainder = 0_u32;
        for byte in &mut number {
            let dividend = (remainder << 8) | u32::from(*byte);
            *byte = u8::try_from(dividend / 62).unwrap_or(u8::MAX);
            remainder = dividend % 62;
        }
        *digit = usize::try_from(remainder).ok().and_then(|index| ALPHABET.get(index)).copied().unwrap_or(b'0');
    }
    digits.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_has_its_own_text_of_one_length() {
        assert_eq!(base62(&[0; 32], SECRET_LENGTH), "0".repeat(SECRET_LENGTH));
        assert_eq!(base62(&[61], 1), "z");
        assert_eq!(base62(&[1, 0], 2), "48");
        let largest = base62(&[0xff; 32], SECRET_LENGTH);
        assert!(!largest.starts_with('0'), "43 digits are needed for the largest: {largest}");
        let text = spell(&[0xff; 32]);
        assert_eq!(text.len(), 3 + 43 + 6);
        assert!(text.bytes().skip(3).all(|byte| byte.is_ascii_alphanumeric()));
    }

    #[test]
    fn two_keys_differ_and_are_well_formed() {
        let (one, other) = (generate().expect("a key"), generate().expect("a key"));
        assert_ne!(one.expose_secret(), other.expose_secret());
        assert!(is_well_formed(one.expose_secret()));
    }

    #[test]
    fn a_key_that_was_cut_or_mistyped_is_not_well_formed() {
        let text = spell(&[7; 32]);
        assert!(is_well_formed(&text));
        for at in 0..text.len() {
            let mut wrong = text.clone().into_bytes();
            wrong[at] = if wrong[at] == b'a' { b'b' } else { b'a' };
            assert!(!is_well_formed(&String::from_utf8(wrong).expect("ascii")), "{at}");
            assert!(!is_well_formed(&text[..at]), "{at}");
        }
    }
}
