//! Who is told what, and how often.

use super::*;

async fn each_cap_is_told_once_by_whichever_guard_gets_there(store: &Store) {
    let told = Arc::new(Told::default());
    let [one, two] = [(); 2].map(|()| guard(store).with_notifier(Arc::<Told>::clone(&told)));
    spend(&one, "0.89").await;
    assert!(told.beginnings().is_empty());
    let (first, second) = (one.reserve(request("0.05")).await.expect("room"), two.reserve(request("0.05")).await.expect("room"));
    let (first, second) = tokio::join!(one.settle(&first, first.amount), two.settle(&second, second.amount));
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(told.beginnings(), ["Soft cap reached"]);
    for guard in [&one, &two] {
        guard.reserve(request("0.05")).await.expect_err("0.01 is left");
        guard.reserve(request("0.05")).await.expect_err("0.01 is left");
    }
    spend(&two, "0.01").await;
    assert_eq!(told.beginnings(), ["Soft cap reached", "Monthly cap reached"]);
    assert_eq!(store::number(store, "SELECT COUNT(*) FROM everreach_events WHERE kind = 'cost.refused'").await, 4);
    assert_eq!(store::number(store, "SELECT COUNT(*) FROM everreach_events WHERE kind = 'cost.cap_reached'").await, 1);
}

#[tokio::test]
async fn each_cap_is_told_once_on_sqlite() {
    each_cap_is_told_once_by_whichever_guard_gets_there(&store::sqlite().await).await;
}

#[tokio::test]
async fn each_cap_is_told_once_on_postgres() {
    each_cap_is_told_once_by_whichever_guard_gets_there(&store::postgres().await).await;
}

#[tokio::test]
async fn a_settlement_above_its_reservation_is_told_and_recorded() {
    let (store, told) = (store::sqlite().await, Arc::new(Told::default()));
    let guard = guard(&store).with_notifier(Arc::<Told>::clone(&told));
    let held = guard.reserve(request("0.1")).await.expect("room");
    guard.settle(&held, usd("0.2")).await.expect("it is booked");
    assert_eq!(
        told.0.lock().expect("nobody panicked").as_slice(),
        ["research.platform cost 0.2 USD where 0.1 was reserved; the whole amount is booked in 2026-11. Check its price."]
    );
    assert_eq!(store::number(&store, "SELECT COUNT(*) FROM everreach_events WHERE kind = 'cost.overrun'").await, 1);
}

#[tokio::test]
async fn money_that_is_settled_after_it_was_given_back_is_on_record() {
    let store = store::sqlite().await;
    let clock: SharedClock = Arc::new(ManualClock::at(at("2026-11-20T12:00:00Z")));
    let events = EventLog::start(store.clone());
    let guard = SqlCostGuard::new(store, small(), clock, events.clone()).expect("a guard");
    let held = guard.reserve(request("0.1")).await.expect("room");
    guard.release(&held).await.expect("given back");
    guard.settle(&held, held.amount).await.expect("it changes nothing");
    events.flush().await;
    let kinds: Vec<_> = events.read_after(0, 10).await.expect("events").into_iter().map(|one| one.event.kind).collect();
    assert_eq!(kinds, ["cost.reserved", "cost.released", "cost.settled_after_release"]);
}

#[tokio::test]
async fn the_daily_report_counts_the_zones_day_and_says_what_it_leaves_out() {
    for store in [store::sqlite().await, store::postgres().await] {
        let mut config = small();
        config.zone = chrono_tz::America::Chicago;
        let (guard, clock) = guard_at(&store, config, "2026-11-21T05:59:59Z");
        spend(&guard, "0.25").await;
        store::execute(&store, "INSERT INTO actp_cost_log (service, action, cost_usd, created_at) VALUES ('claude', 'write', 0.125, '2026-11-20 06:00:00+00:00')").await;
        store::execute(&store, "INSERT INTO actp_cost_log (service, action, cost_usd, created_at) VALUES ('claude', 'write', 0.01, '2026-11-20 05:59:59+00:00')").await;
        let day = guard.today();
        assert_eq!(day.to_string(), "2026-11-20");
        clock.step_to(at("2026-11-21T06:00:00Z"));
        let held = guard.reserve(request("0.5").essential()).await.expect("essential requests pass");
        guard.settle(&held, held.amount).await.expect("it is booked");

        let report = guard.daily_report(day).await.expect("a report");
        assert_eq!(
            (report.spent_usd, report.essential_usd, report.month.total_usd),
            (usd("0.375"), MicroUsd::ZERO, usd("0.885"))
        );
        let next = guard.daily_report(guard.today()).await.expect("a report");
        assert_eq!((next.spent_usd, next.essential_usd), (usd("0.5"), usd("0.5")));
        let text = report.to_string();
        assert!(text.starts_with("Cost report for 2026-11-20 (America/Chicago)\nToday: 0.375 USD, 0 of it essential\n  research research.platform: 0.25 USD in 1 call(s)\n  claude write: 0.125 USD in 1 call(s)\n2026-11: 0.885 of 1 USD"), "{text}");
        assert!(text.contains("actp_cost_log"), "{text}");
    }
}
