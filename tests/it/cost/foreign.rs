//! Rows that other programs insert into the shared log.

use super::*;

async fn insert(store: &Store, cost: &str, created_at: &str) {
    let row = format!(
        "INSERT INTO actp_cost_log (service, action, cost_usd, created_at) VALUES ('claude', 'write', {cost}, {created_at})"
    );
    store::execute(store, row).await;
}

async fn total(guard: &SqlCostGuard) -> MicroUsd {
    guard.monthly_cost().await.expect("the month is told").total_usd
}

/// Times in November in Tokyo, which begins at 15:00 UTC on 31 October and ends at 15:00 UTC on 30 November.
const INSIDE: [&str; 4] = [
    "2026-10-31T15:00:00Z",
    "2026-11-30 14:59:59.999999+00:00",
    "2026-11-30T23:59:59.999+09:00",
    "2026-11-20T12:00:00.123456+00:00",
];
const OUTSIDE: [&str; 4] =
    ["2026-10-31T14:59:59.999999Z", "2026-11-30 15:00:00+00:00", "2026-12-01T00:00:00+09:00", "2025-11-20T12:00:00Z"];
/// Forms that only SQLite keeps as they are.
const INSIDE_AS_TEXT: [&str; 6] = [
    "2026-11-20",
    "2026-11-20 12:00",
    "2026-11-20 12:00:00",
    "2026-11-20T12:00:00.1",
    "2026-11-30 14:59:59.99999999+00",
    "2026-10-31T15:00:00.5+0000",
];

fn tokyo() -> CostConfig {
    let mut config = small();
    config.zone = chrono_tz::Asia::Tokyo;
    config
}

async fn rows_count_at_once_and_stay_counted(store: &Store, inside: &[&str]) {
    let (guard, _) = guard_at(store, tokyo(), "2026-11-20T12:00:00Z");
    spend(&guard, "0.2").await;
    for time in inside {
        let before = total(&guard).await;
        insert(store, "0.030001", &format!("'{time}'")).await;
        assert_eq!(total(&guard).await, before.saturating_add(usd("0.030001")), "{time} is inside");
    }
    let expected = total(&guard).await;
    for time in OUTSIDE {
        insert(store, "0.7", &format!("'{time}'")).await;
        assert_eq!(total(&guard).await, expected, "{time} is outside");
    }
    let left = usd("1").saturating_sub(expected);
    let too_much = left.saturating_add(MicroUsd::from_micros(1));
    for _before_and_after_absorbing in 0..2 {
        guard.reserve(request(&too_much.to_string())).await.expect_err("rows of others leave less");
        let held = guard.reserve(request(&left.to_string())).await.expect("it fits");
        guard.release(&held).await.expect("it is given back");
        let split = guard.monthly_cost().await.expect("the month is told").by_service;
        assert_eq!(split.iter().map(|line| line.calls).sum::<u64>(), 1 + inside.len() as u64);
        let absorbed = guard.absorb().await.expect("they are folded in");
        assert_eq!(absorbed.unreadable, 0);
        assert_eq!(total(&guard).await, expected);
        assert!(guard.audit().await.expect("an audit").is_consistent());
    }
    assert_eq!(store::number(store, "SELECT COUNT(*) FROM actp_cost_log WHERE everreach_month IS NULL").await, 0);
    assert_eq!(
        store::number(store, "SELECT CAST(settled_micro AS BIGINT) FROM everreach_cost_months WHERE month = '2026-12'").await,
        1_400_000
    );
}

#[tokio::test]
async fn rows_of_every_form_count_at_once_on_sqlite() {
    let forms: Vec<_> = INSIDE.into_iter().chain(INSIDE_AS_TEXT).collect();
    rows_count_at_once_and_stay_counted(&store::sqlite().await, &forms).await;
}

#[tokio::test]
async fn rows_of_every_form_count_at_once_on_postgres() {
    rows_count_at_once_and_stay_counted(&store::postgres().await, &INSIDE).await;
}

async fn unreadable_rows_are_set_aside_once(store: &Store, rows: &[(&str, &str)]) {
    let told = Arc::new(Told::default());
    let guard = guard(store).with_notifier(Arc::<Told>::clone(&told));
    insert(store, "0.25", "'2026-11-20T08:00:00Z'").await;
    for (cost, time) in rows {
        insert(store, cost, time).await;
        assert_eq!(total(&guard).await, usd("0.25"), "{cost} at {time} is left out");
    }
    spend(&guard, "0.5").await;
    let absorbed = guard.absorb().await.expect("it goes on");
    assert_eq!((absorbed.rows, absorbed.cost_usd, absorbed.unreadable), (1, usd("0.25"), rows.len() as u64));
    let again = guard.absorb().await.expect("it goes on");
    assert_eq!((again.rows, again.unreadable), (0, 0));
    assert_eq!(told.beginnings().len(), 1, "{told:?}");
    assert_eq!(total(&guard).await, usd("0.75"));
    assert!(guard.audit().await.expect("an audit").is_consistent());
}

#[tokio::test]
async fn unreadable_rows_are_set_aside_once_on_sqlite() {
    // A table that another program made, with looser columns than ours.
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("shared.db").display());
    let options: sqlx::sqlite::SqliteConnectOptions = url.parse().expect("a URL");
    let mut connection = sqlx::ConnectOptions::connect(&options.create_if_missing(true)).await.expect("a database");
    let table = "CREATE TABLE actp_cost_log (id TEXT, service TEXT, action TEXT, cost_usd, created_at)";
    sqlx::query(table).execute(&mut connection).await.expect("their table");
    sqlx::Connection::close(connection).await.expect("it closes");
    let store = Store::open(&everreach_core::store::StoreConfig::new(url)).await.expect("a store");

    let good = "'2026-11-20T09:00:00Z'";
    unreadable_rows_are_set_aside_once(
        &store,
        &[
            ("NULL", good),
            ("'a lot'", good),
            ("'1.2.3'", good),
            ("''", good),
            ("-0.5", good),
            ("1e300", good),
            ("9e999", good),
            ("x'00ff'", good),
            ("0.5", "NULL"),
            ("0.5", "'yesterday'"),
            ("0.5", "'now'"),
            ("0.5", "'12:00:00'"),
            ("0.5", "'2026-13-40T00:00:00Z'"),
            ("0.5", "'2026-11-20T09:00:00 CET'"),
            ("0.5", "1763625600"),
            ("0.5", "x'00ff'"),
            ("0.5", "''"),
        ],
    )
    .await;
    insert(&store, "'0.125'", good).await;
    assert_eq!(total(&guard(&store)).await, usd("0.875"), "a number as text is a number");
}

#[tokio::test]
async fn unreadable_rows_are_set_aside_once_on_postgres() {
    let store = store::postgres().await;
    store::execute(
        &store,
        "ALTER TABLE actp_cost_log ALTER COLUMN cost_usd DROP NOT NULL, ALTER COLUMN created_at DROP NOT NULL",
    )
    .await;
    let good = "'2026-11-20T09:00:00Z'";
    let rows = [
        ("NULL", good),
        ("'NaN'", good),
        ("-0.5", good),
        ("0.5", "NULL"),
        ("0.5", "'infinity'"),
        ("0.5", "'-infinity'"),
        ("0.5", "'20000-01-01'"),
        ("0.5", "'0044-03-15 BC'"),
    ];
    unreadable_rows_are_set_aside_once(&store, &rows).await;
}

#[tokio::test]
async fn a_row_of_another_program_that_reaches_a_cap_is_told_when_it_is_absorbed() {
    for store in [store::sqlite().await, store::postgres().await] {
        let told = Arc::new(Told::default());
        let guard = guard(&store).with_notifier(Arc::<Told>::clone(&told));
        insert(&store, "5", "'2026-10-20T08:00:00Z'").await;
        insert(&store, "0.95", "'2026-11-20T08:00:00Z'").await;
        assert_eq!(guard.absorb().await.expect("they are folded in").rows, 2);
        assert_eq!(told.beginnings(), ["Soft cap reached"], "October is over");
    }
}

#[tokio::test]
async fn the_sum_of_open_rows_reads_only_open_rows() {
    let store = store::sqlite().await;
    let mut connection = store.read().await.expect("a connection");
    let everreach_core::store::Db::Sqlite(connection) = connection.db() else { panic!("it is SQLite") };
    let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(
        "EXPLAIN QUERY PLAN SELECT SUM(cost_micro) FROM everreach_cost_entries WHERE month IS NULL AND at >= '2026-11' AND at < '2026-12'",
    )
    .fetch_all(connection)
    .await
    .expect("a plan");
    assert!(plan.iter().all(|(.., step)| step.contains("USING INDEX everreach_cost_log_month (everreach_month=?)")), "{plan:?}");
}
