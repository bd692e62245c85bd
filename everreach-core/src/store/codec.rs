//! How our nouns look in a column of either database.
//!
//! | noun | SQLite | PostgreSQL |
//! |---|---|---|
//! | [`Id`] | TEXT (a 16-byte BLOB is read too) | uuid |
//! | [`Stamp`] | TEXT, RFC 3339 UTC, six fraction digits and `Z` | timestamptz |
//! | [`MicroUsd`] | INTEGER | bigint |
//! | `sqlx::types::Json` | TEXT | jsonb |

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::sqlite::{SqliteArgumentsBuffer, SqliteTypeInfo, SqliteValueRef};
use sqlx::{Decode, Encode, Sqlite, Type, TypeInfo, Value, ValueRef};
use uuid::Uuid;

use crate::{Id, MicroUsd, Timestamp};

/// A [`Timestamp`] as a column holds it.
///
/// Text of other programs is read with 0 to 6 fraction digits, any offset, and in SQLite's own `YYYY-MM-DD HH:MM:SS` form (UTC).
///
/// ```
/// use everreach_core::store::Stamp;
/// assert_eq!(Stamp::parse("2026-11-20 08:00:00").expect("a time").to_string(), "2026-11-20T08:00:00.000000Z");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(clippy::exhaustive_structs, reason = "a newtype, made by naming it")]
pub struct Stamp(pub Timestamp);

impl Stamp {
    /// Reads one of the forms above.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let with_offset = DateTime::parse_from_rfc3339(text).map(|at| at.with_timezone(&Utc));
        let plain = || NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").map(|at| at.and_utc());
        with_offset.or_else(|_| plain()).ok().map(Self)
    }
}

impl std::fmt::Display for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl From<Stamp> for Timestamp {
    fn from(stamp: Stamp) -> Self {
        stamp.0
    }
}

impl Type<Sqlite> for Stamp {
    fn type_info() -> SqliteTypeInfo {
        <str as Type<Sqlite>>::type_info()
    }
}

impl Encode<'_, Sqlite> for Stamp {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Sqlite>::encode(self.to_string(), buffer)
    }
}

impl<'r> Decode<'r, Sqlite> for Stamp {
    fn decode(value: SqliteValueRef<'r>) -> Result<Self, BoxDynError> {
        let text = <&str as Decode<Sqlite>>::decode(value)?;
        Self::parse(text).ok_or_else(|| format!("`{text}` is not a time: RFC 3339 in UTC is wanted").into())
    }
}

impl Type<Sqlite> for Id {
    fn type_info() -> SqliteTypeInfo {
        <str as Type<Sqlite>>::type_info()
    }

    fn compatible(ty: &SqliteTypeInfo) -> bool {
        matches!(ty.name(), "TEXT" | "BLOB")
    }
}

impl Encode<'_, Sqlite> for Id {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Sqlite>::encode(self.to_string(), buffer)
    }
}

impl<'r> Decode<'r, Sqlite> for Id {
    fn decode(value: SqliteValueRef<'r>) -> Result<Self, BoxDynError> {
        let owned = ValueRef::to_owned(&value);
        let uuid = if value.type_info().name() == "BLOB" {
            Uuid::from_slice(<&[u8] as Decode<Sqlite>>::decode(owned.as_ref())?)?
        } else {
            Uuid::parse_str(<&str as Decode<Sqlite>>::decode(owned.as_ref())?)?
        };
        Ok(Self::from_uuid(uuid))
    }
}

impl Type<Sqlite> for MicroUsd {
    fn type_info() -> SqliteTypeInfo {
        <i64 as Type<Sqlite>>::type_info()
    }

    fn compatible(ty: &SqliteTypeInfo) -> bool {
        <i64 as Type<Sqlite>>::compatible(ty)
    }
}

impl Encode<'_, Sqlite> for MicroUsd {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Sqlite>::encode(self.micros(), buffer)
    }
}

impl<'r> Decode<'r, Sqlite> for MicroUsd {
    fn decode(value: SqliteValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self::from_micros(<i64 as Decode<Sqlite>>::decode(value)?))
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use chrono::TimeDelta;
    use sqlx::Postgres;
    use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo, PgValueFormat, PgValueRef};

    use super::{BoxDynError, DateTime, Decode, Encode, Id, IsNull, MicroUsd, Stamp, Timestamp, Type, Uuid};

    /// 2000-01-01, from which PostgreSQL counts.
    const POSTGRES_EPOCH: i64 = 946_684_800;

    impl Type<Postgres> for Stamp {
        fn type_info() -> PgTypeInfo {
            <Timestamp as Type<Postgres>>::type_info()
        }
    }

    impl Encode<'_, Postgres> for Stamp {
        fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
            Encode::<Postgres>::encode(self.0, buffer)
        }
    }

    impl<'r> Decode<'r, Postgres> for Stamp {
        fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
            if value.format() == PgValueFormat::Text {
                return <Timestamp as Decode<Postgres>>::decode(value).map(Self);
            }
            // Not left to chrono's own decoder, which panics at `infinity`.
            let since_epoch = TimeDelta::microseconds(<i64 as Decode<Postgres>>::decode(value)?);
            let at = DateTime::from_timestamp_secs(POSTGRES_EPOCH).and_then(|epoch| epoch.checked_add_signed(since_epoch));
            at.map(Self).ok_or_else(|| "`infinity` is not a time that can be reckoned with".into())
        }
    }

    impl Type<Postgres> for Id {
        fn type_info() -> PgTypeInfo {
            <Uuid as Type<Postgres>>::type_info()
        }
    }

    impl Encode<'_, Postgres> for Id {
        fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
            Encode::<Postgres>::encode(self.as_uuid(), buffer)
        }
    }

    impl<'r> Decode<'r, Postgres> for Id {
        fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
            <Uuid as Decode<Postgres>>::decode(value).map(Self::from_uuid)
        }
    }

    impl Type<Postgres> for MicroUsd {
        fn type_info() -> PgTypeInfo {
            <i64 as Type<Postgres>>::type_info()
        }
    }

    impl Encode<'_, Postgres> for MicroUsd {
        fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
            Encode::<Postgres>::encode(self.micros(), buffer)
        }
    }

    impl<'r> Decode<'r, Postgres> for MicroUsd {
        fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
            <i64 as Decode<Postgres>>::decode(value).map(Self::from_micros)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_other_programs_are_read_in_every_usual_form() {
        for text in [
            "2026-11-20T08:00:00Z",
            "2026-11-20T08:00:00.000Z",
            "2026-11-20T08:00:00.000000+00:00",
            "2026-11-20T03:00:00-05:00",
            "2026-11-20 08:00:00",
        ] {
            let stamp = Stamp::parse(text).unwrap_or_else(|| panic!("{text} is a time"));
            assert_eq!(stamp.to_string(), "2026-11-20T08:00:00.000000Z");
        }
        assert_eq!(Stamp::parse("yesterday"), None);
    }
}
