//! A fresh database for each test.

use everreach_core::store::{Store, StoreConfig};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use url::Url;

const ADMIN_URL: &str = "EVERREACH_TEST_POSTGRES_URL";

/// A SQLite database that is gone when the store is dropped.
pub(crate) async fn sqlite() -> Store {
    Store::open(&StoreConfig::new("sqlite::memory:")).await.expect("a SQLite database")
}

/// A PostgreSQL database of its own, on the server that the environment names.
pub(crate) async fn postgres() -> Store {
    Store::open(&StoreConfig::new(postgres_url().await)).await.expect("a PostgreSQL database")
}

/// The URL of a new, empty PostgreSQL database.
async fn postgres_url() -> String {
    #[allow(clippy::disallowed_methods, reason = "tests are told by the environment where the server is")]
    let admin = std::env::var(ADMIN_URL).unwrap_or_else(|_| {
        panic!("{ADMIN_URL} is not set: run `make test`, which starts a PostgreSQL, or name an admin URL such as postgres://postgres@127.0.0.1:5432/postgres")
    });
    let name = format!("everreach_{}", uuid::Uuid::new_v4().simple());
    let mut connection = PgConnection::connect(&admin).await.expect("the PostgreSQL server answers");
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.expect("a database is made");
    connection.close().await.expect("it closes");
    let mut url = Url::parse(&admin).expect("a URL");
    url.set_path(&name);
    url.into()
}
