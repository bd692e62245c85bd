//! Times that other programs may have written.

use std::borrow::Cow;

use chrono::DateTime;
use serde::{Deserialize, Deserializer};
use sqlx::error::BoxDynError;
use sqlx::sqlite::{SqliteTypeInfo, SqliteValueRef};
use sqlx::{Decode, Sqlite, Type};

use crate::Timestamp;
use crate::store::Stamp;

/// A time, or nothing when it cannot be read: a row must not fail because of a column that its writer filled in his own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::safari::queue) struct Moment(pub(in crate::safari::queue) Option<Timestamp>);

impl Moment {
    /// Reads what [`Stamp::parse`] reads, and PostgreSQL's own form.
    pub(in crate::safari::queue) fn parse(text: &str) -> Self {
        let as_postgres = || DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%#z").ok().map(|at| at.to_utc());
        Self(Stamp::parse(text).map(Timestamp::from).or_else(as_postgres))
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::parse(&Cow::<str>::deserialize(deserializer)?))
    }
}

impl Type<Sqlite> for Moment {
    fn type_info() -> SqliteTypeInfo {
        <str as Type<Sqlite>>::type_info()
    }

    fn compatible(_: &SqliteTypeInfo) -> bool {
        true
    }
}

impl<'r> Decode<'r, Sqlite> for Moment {
    fn decode(value: SqliteValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(<&str as Decode<Sqlite>>::decode(value).map_or(Self(None), Self::parse))
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use sqlx::postgres::{PgTypeInfo, PgValueRef};
    use sqlx::{Decode, Postgres, Type};

    use super::{BoxDynError, Moment, Stamp};

    impl Type<Postgres> for Moment {
        fn type_info() -> PgTypeInfo {
            <Stamp as Type<Postgres>>::type_info()
        }
    }

    impl<'r> Decode<'r, Postgres> for Moment {
        fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
            Ok(Self(<Stamp as Decode<Postgres>>::decode(value).ok().map(Into::into)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_both_databases_are_read_and_anything_else_is_nothing() {
        let eight = "2026-11-20T08:00:00Z".parse().ok();
        for text in ["2026-11-20T08:00:00Z", "2026-11-20 08:00:00", "2026-11-20 08:00:00+00", "2026-11-20 03:00:00.000-05"] {
            assert_eq!(Moment::parse(text).0, eight, "{text}");
        }
        for text in ["", "soon", "infinity", "2026-13-01T00:00:00Z"] {
            assert_eq!(Moment::parse(text).0, None, "{text}");
        }
    }
}
