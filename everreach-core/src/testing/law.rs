//! How a suite says that a law is broken.

use std::fmt::Debug;

use crate::{Error, ErrorKind, Result};

/// Fails with the law and what was seen instead, unless it held. `breaks` is the sentence about the part under test.
pub(super) fn hold(held: bool, breaks: &'static str, law: &'static str, seen: &dyn Debug) -> Result<()> {
    if held { Ok(()) } else { Err(broken(breaks, law, seen)) }
}

/// What the part under test granted; a refusal breaks the law.
pub(super) fn granted<T>(answer: Result<T>, breaks: &'static str, law: &'static str) -> Result<T> {
    answer.map_err(|error| broken(breaks, law, &error).with_source(error))
}

/// Fails unless the part under test refused with an error of this kind.
pub(super) fn refused<T: Debug>(answer: Result<T>, kind: ErrorKind, breaks: &'static str, law: &'static str) -> Result<Error> {
    match answer {
        Err(error) if error.kind() == kind => Ok(error),
        other => Err(broken(breaks, law, &other)),
    }
}

fn broken(breaks: &'static str, law: &'static str, seen: &dyn Debug) -> Error {
    Error::new(ErrorKind::Internal, breaks).with("law", law).with("seen", format!("{seen:?}"))
}
