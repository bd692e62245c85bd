//! The databases' failures in our words.

use crate::{Error, ErrorKind};

/// SQLite's primary result codes for "not now": busy, locked, I/O error, full, cannot open, protocol, read-only.
const SQLITE_UNAVAILABLE: [i32; 7] = [5, 6, 10, 13, 14, 15, 8];

impl From<sqlx::Error> for Error {
    fn from(source: sqlx::Error) -> Self {
        let (kind, message) = classify(&source);
        Self::new(kind, message).with_operation("use the database").with("cause", summary(&source)).with_source(source)
    }
}

fn classify(error: &sqlx::Error) -> (ErrorKind, &'static str) {
    match error {
        sqlx::Error::RowNotFound => (ErrorKind::NotFound, "no such row"),
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
            (ErrorKind::StoreUnavailable, "the database cannot be reached")
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => (ErrorKind::Store, "a row cannot be read"),
        sqlx::Error::Database(error) if error.is_unique_violation() => (ErrorKind::Conflict, "the row exists already"),
        sqlx::Error::Database(error) => match error.code().as_deref() {
            Some(code) if is_unavailable(code) => (ErrorKind::StoreUnavailable, "the database is not usable at the moment"),
            _ => (ErrorKind::Store, "the database refused a statement"),
        },
        _ => (ErrorKind::Store, "the database failed"),
    }
}

/// SQLite gives extended numeric codes, PostgreSQL five-character SQLSTATEs; class 08 is connection, 53 resources, 57 operator
/// intervention, 25006 read-only and 40 rollback by the server.
fn is_unavailable(code: &str) -> bool {
    if code.len() == 5 {
        return ["08", "53", "57", "40"].iter().any(|class| code.starts_with(class)) || code == "25006";
    }
    code.parse::<i32>().is_ok_and(|code| SQLITE_UNAVAILABLE.contains(&(code & 0xff)))
}

/// Whether SQLite says that another connection holds the lock.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    error.code().and_then(|code| code.parse::<i32>().ok()).is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

/// The innermost sentence: sqlx repeats itself on the way out.
fn summary(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_pass_are_told_from_codes_that_stay() {
        for code in ["5", "261", "13", "10", "8", "57P01", "08006", "53300", "40P01"] {
            assert!(is_unavailable(code), "{code}");
        }
        for code in ["1", "2067", "23505", "42P01"] {
            assert!(!is_unavailable(code), "{code}");
        }
    }
}
