//! What goes into a column comes out of it, on both databases.

use everreach_core::store::{Db, Stamp, Store};
use everreach_core::{Id, MicroUsd, Timestamp};
use serde_json::{Value, json};
use sqlx::types::Json;
use uuid::Uuid;

use crate::support::store::{self, execute};

#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
struct Row {
    id: Id,
    at: Option<Stamp>,
    amount: MicroUsd,
    data: Json<Value>,
}

fn at(text: &str) -> Option<Stamp> {
    Some(Stamp(text.parse::<Timestamp>().expect("a time")))
}

fn rows() -> Vec<Row> {
    let nested = json!({"text": "ümlaut \u{1f600} \"quoted\" 'and' \\", "number": 1.5, "big": i64::MAX, "none": null, "list": [1, [2, {}]]});
    let row = |id, at, amount, data| Row { id, at, amount, data: Json(data) };
    vec![
        row(Id::new(), at("2026-11-20T12:00:00.123456Z"), MicroUsd::from_micros(1), nested),
        row(Id::new(), at("2026-11-20T12:00:00Z"), MicroUsd::ZERO, json!({})),
        row(Id::new(), at("1970-01-01T00:00:00.000001Z"), MicroUsd::MAX, json!([])),
        row(Id::from_uuid(Uuid::nil()), at("9999-12-31T23:59:59.999999Z"), MicroUsd::from_micros(i64::MIN), json!("text")),
        row(Id::from_uuid(Uuid::new_v4()), None, MicroUsd::from_micros(-1), Value::Null),
        row(Id::from_uuid(Uuid::max()), at("1969-12-31T23:59:59.999999Z"), MicroUsd::from_usd(400), json!(true)),
    ]
}

async fn everything_comes_back(store: Store) {
    let columns = if store.path().is_some() {
        "id TEXT PRIMARY KEY, at TEXT, amount INTEGER NOT NULL, data TEXT NOT NULL"
    } else {
        "id UUID PRIMARY KEY, at TIMESTAMPTZ, amount BIGINT NOT NULL, data JSONB NOT NULL"
    };
    execute(&store, format!("CREATE TABLE samples ({columns})")).await;
    for row in rows() {
        let written = row.clone();
        store.write(move |db| Box::pin(async move { insert(db, written).await })).await.expect("it is written");
        assert_eq!(read(&store, row.id).await.expect("it is read"), row);
    }
    let mut connection = store.read().await.expect("a connection");
    let sorted: Vec<Id> = match connection.db() {
        Db::Sqlite(connection) => {
            sqlx::query_scalar("SELECT id FROM samples WHERE at IS NOT NULL ORDER BY at").fetch_all(connection).await
        }
        Db::Postgres(connection) => {
            sqlx::query_scalar("SELECT id FROM samples WHERE at IS NOT NULL ORDER BY at").fetch_all(connection).await
        }
        _ => unreachable!("there are two databases"),
    }
    .expect("they are read");
    let mut expected: Vec<_> = rows().iter().filter_map(|row| row.at).collect();
    expected.sort_unstable();
    let mut seen = Vec::new();
    for id in sorted {
        seen.extend(read(&store, id).await.expect("it is read").at);
    }
    assert_eq!(seen, expected, "columns of time sort as time does");
}

async fn insert(db: Db<'_>, row: Row) -> everreach_core::Result<()> {
    const INSERT: &str = "INSERT INTO samples (id, at, amount, data) VALUES ($1, $2, $3, $4)";
    let Row { id, at, amount, data } = row;
    match db {
        Db::Sqlite(connection) => {
            sqlx::query(INSERT).bind(id).bind(at).bind(amount).bind(data).execute(connection).await.map(drop)?;
        }
        Db::Postgres(connection) => {
            sqlx::query(INSERT).bind(id).bind(at).bind(amount).bind(data).execute(connection).await.map(drop)?;
        }
        _ => unreachable!("there are two databases"),
    }
    Ok(())
}

async fn read(store: &Store, id: Id) -> Result<Row, sqlx::Error> {
    const SELECT: &str = "SELECT id, at, amount, data FROM samples WHERE id = $1";
    match store.read().await.expect("a connection").db() {
        Db::Sqlite(connection) => sqlx::query_as(SELECT).bind(id).fetch_one(connection).await,
        Db::Postgres(connection) => sqlx::query_as(SELECT).bind(id).fetch_one(connection).await,
        _ => unreachable!("there are two databases"),
    }
}

#[tokio::test]
async fn values_come_back_from_sqlite_as_they_went_in() {
    everything_comes_back(store::sqlite().await).await;
}

#[tokio::test]
async fn values_come_back_from_postgres_as_they_went_in() {
    everything_comes_back(store::postgres().await).await;
}

/// Reads one value that SQLite computes from this expression.
async fn decoded<T>(store: &Store, expression: &str) -> Result<T, sqlx::Error>
where
    T: for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + Send + Unpin,
{
    let mut connection = store.read().await.expect("a connection");
    let Db::Sqlite(connection) = connection.db() else { unreachable!("it is SQLite") };
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT {expression}"))).fetch_one(connection).await
}

#[tokio::test]
async fn ids_of_other_programs_are_read_as_text_and_as_blobs_on_sqlite() {
    let store = store::sqlite().await;
    let id: Id = "01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b".parse().expect("an id");
    for form in [
        "'01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b'",
        "'01990F6E-7F3A-7CC0-B2D4-5A1F0C9E8D7B'",
        "'01990f6e7f3a7cc0b2d45a1f0c9e8d7b'",
        "x'01990f6e7f3a7cc0b2d45a1f0c9e8d7b'",
    ] {
        assert_eq!(decoded::<Id>(&store, form).await.expect(form), id);
    }
    for form in ["x'01990f6e'", "'row 7'", "7"] {
        decoded::<Id>(&store, form).await.expect_err(form);
    }
}

#[tokio::test]
async fn times_of_other_programs_are_read_in_their_usual_forms_on_sqlite() {
    let store = store::sqlite().await;
    for (form, time) in [
        ("'2026-11-20T12:00:00.1Z'", "2026-11-20T12:00:00.1Z"),
        ("'2026-11-20T12:00:00.123456Z'", "2026-11-20T12:00:00.123456Z"),
        ("'2026-11-20T14:00:00.5+02:00'", "2026-11-20T12:00:00.5Z"),
        ("'2026-11-20 12:00:00'", "2026-11-20T12:00:00Z"),
        ("'2026-11-20 12:00:00.250'", "2026-11-20T12:00:00.25Z"),
        ("strftime('%Y-%m-%dT%H:%M:%fZ', '2026-11-20 12:00:00.750')", "2026-11-20T12:00:00.75Z"),
    ] {
        assert_eq!(decoded::<Stamp>(&store, form).await.expect(form), at(time).expect("a time"), "{form}");
    }
    for form in ["'soon'", "''", "12"] {
        decoded::<Stamp>(&store, form).await.expect_err(form);
    }
}

#[tokio::test]
async fn a_time_beyond_reckoning_on_postgres_fails_its_row_and_not_the_process() {
    let store = store::postgres().await;
    for form in ["'infinity'", "'-infinity'"] {
        let statement = sqlx::AssertSqlSafe(format!("SELECT CAST({form} AS TIMESTAMPTZ)"));
        let mut connection = store.read().await.expect("a connection");
        let Db::Postgres(connection) = connection.db() else { unreachable!("PostgreSQL") };
        let read: Result<Stamp, _> = sqlx::query_scalar(statement).fetch_one(connection).await;
        assert!(read.expect_err("no time").to_string().contains("is not a time"));
    }
}
