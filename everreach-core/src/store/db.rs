//! A connection to whichever database it is, and the macro that runs one statement on it.

use sqlx::pool::PoolConnection;
use sqlx::{Sqlite, SqliteConnection};

/// A connection, inside or outside a transaction.
#[derive(Debug)]
#[non_exhaustive]
pub enum Db<'c> {
    /// SQLite.
    Sqlite(&'c mut SqliteConnection),
    /// PostgreSQL.
    #[cfg(feature = "postgres")]
    Postgres(&'c mut sqlx::PgConnection),
}

/// A connection for reading, borrowed from the pool.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadConnection {
    /// SQLite.
    Sqlite(PoolConnection<Sqlite>),
    /// PostgreSQL.
    #[cfg(feature = "postgres")]
    Postgres(PoolConnection<sqlx::Postgres>),
}

impl ReadConnection {
    /// The connection in the form that statements take.
    pub fn db(&mut self) -> Db<'_> {
        match self {
            Self::Sqlite(connection) => Db::Sqlite(connection),
            #[cfg(feature = "postgres")]
            Self::Postgres(connection) => Db::Postgres(connection),
        }
    }
}

/// Runs `$body` with `$conn` bound to the connection of whichever database `$db` is.
///
/// Two types cannot be joined by a function here: sqlx statements are generic over the database.
macro_rules! on_db {
    ($db:expr, $conn:ident => $body:expr) => {
        match $db {
            $crate::store::Db::Sqlite($conn) => {
                let $conn = &mut **$conn;
                $body
            }
            #[cfg(feature = "postgres")]
            $crate::store::Db::Postgres($conn) => {
                let $conn = &mut **$conn;
                $body
            }
        }
    };
}
pub(crate) use on_db;
