//! What every implementation of [`CostGuard`] must do, as functions that any of them can run.
//!
//! Each panics with the reason when the law is broken. [`all`] runs every one of them.
//!
//! ```
//! # #[cfg(feature = "mock")]
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(async {
//! use everreach_core::cost::{CostGuard, MemoryCostGuard};
//! use everreach_core::testing::cost_guard;
//! use std::sync::Arc;
//! cost_guard::all(&|config, clock| {
//!     Box::pin(async move { Arc::new(MemoryCostGuard::new(config, clock).expect("a guard")) as Arc<dyn CostGuard> })
//! })
//! .await;
//! # });
//! ```

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};

use super::{BudgetLevel, CostConfig, CostGuard, CostRequest, MonthlyCost, Reservation};
use crate::clock::ManualClock;
use crate::{ErrorKind, MicroUsd, SharedClock, Timestamp};

/// Makes a guard over empty books.
pub type MakeGuard = dyn Fn(CostConfig, SharedClock) -> BoxFuture<'static, Arc<dyn CostGuard>> + Send + Sync;

/// A guard with a small cap, on a clock that can be moved.
struct Bench {
    guard: Arc<dyn CostGuard>,
    clock: Arc<ManualClock>,
}

impl Bench {
    /// One dollar in all, ninety cents until the soft cap, in November.
    async fn new(make: &MakeGuard) -> Self {
        Self::with(make, CostConfig { cap: usd("1"), soft_cap: usd("0.9"), ..CostConfig::default() }, "2026-11-20T12:00:00Z")
            .await
    }

    async fn with(make: &MakeGuard, config: CostConfig, now: &str) -> Self {
        let clock = Arc::new(ManualClock::at(at(now)));
        let shared: SharedClock = Arc::<ManualClock>::clone(&clock);
        Self { guard: make(config, shared).await, clock }
    }

    async fn hold(&self, amount: &str) -> Reservation {
        self.guard.reserve(capped(amount)).await.expect("there is room")
    }

    async fn spend(&self, amount: &str) {
        let held = self.hold(amount).await;
        self.guard.settle(&held, usd(amount)).await.expect("it is booked");
    }

    async fn assert_refused(&self, amount: &str) {
        let error = self.guard.reserve(capped(amount)).await.expect_err("there is no room");
        assert_eq!(error.kind(), ErrorKind::CostCapExceeded, "{error}");
    }

    async fn cost(&self) -> MonthlyCost {
        self.guard.monthly_cost().await.expect("the month is told")
    }

    async fn assert_books(&self, total: &str, reserved: &str) {
        let cost = self.cost().await;
        assert_eq!((cost.total_usd, cost.reserved_usd), (usd(total), usd(reserved)), "total and reserved");
    }
}

fn usd(text: &str) -> MicroUsd {
    text.parse().expect("an amount")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn capped(amount: &str) -> CostRequest {
    CostRequest::new("research.platform".parse().expect("a name"), usd(amount))
}

/// Runs every function below, each over a guard of its own.
pub async fn all(make: &MakeGuard) {
    the_cap_is_exact_to_the_millionth(make).await;
    at_the_cap_even_nothing_is_refused(make).await;
    essential_requests_pass_and_are_booked_apart(make).await;
    the_first_close_decides(make).await;
    a_release_frees_the_money(make).await;
    the_month_is_fixed_at_reserve(make).await;
    the_month_does_not_go_back_with_the_clock(make).await;
    an_overrun_is_booked_whole(make).await;
    odd_amounts_are_refused(make).await;
    an_unknown_reservation_is_not_found(make).await;
    the_levels_follow_what_is_booked(make).await;
    the_month_is_split_dearest_first(make).await;
    racing_requests_admit_exactly_what_fits(make).await;
}

/// The last millionth of a dollar can be reserved, one more cannot.
pub async fn the_cap_is_exact_to_the_millionth(make: &MakeGuard) {
    let bench = Bench::new(make).await;
    bench.spend("0.5").await;
    let _held = bench.hold("0.499999").await;
    bench.assert_refused("0.000002").await;
    bench.hold("0.000001").await;
    bench.assert_refused("0.000001").await;
    assert_eq!(bench.cost().await.remaining_usd, MicroUsd::ZERO);
}

/// A request for nothing is refused at the cap, and passes below it.
pub async fn at_the_cap_even_nothing_is_refused(make: &MakeGuard) {
    let bench = Bench::new(make).await;
    bench.hold("0").await;
    bench.spend("1").await;
    bench.assert_refused("0").await;
    let free = bench.guard.reserve(capped("0").essential()).await.expect("essential requests pass");
    bench.guard.settle(&free, MicroUsd::ZERO).await.expect("it is booked");
}

/// Essential requests pass a full cap, count in the total, and are told apart.
pub async fn essential_requests_pass_and_are_booked_apart(make: &MakeGuard) {
    let bench = Bench::new(make).await;
    bench.spend("1").await;
    let held = bench.guard.reserve(capped("0.25").essential()).await.expect("essential requests pass");
    assert!(held.is_essential);
    bench.assert_books("1", "0.25").await;
    bench.guard.settle(&held, usd("0.25")).await.expect("it is booked");
    let cost = bench.cost().await;
    assert_eq!((cost.total_usd, cost.essential_usd, cost.reserved_usd), (usd("1.25"), usd("0.25"), MicroUsd::ZERO));
    bench.assert_refused("0").await;

    let other = Bench::new(make).await;
    let _held = other.guard.reserve(capped("0.75").essential()).await.expect("essential requests pass");
    other.assert_refused("0.250001").await;
    other.hold("0.25").await;
}

/// Of several settlements and releases of one reservation the first decides, the others change nothing and do not fail.
pub async fn the_first_close_decides(make: &MakeGuard) {
    let bench = Bench::new(make).await;
    let settled = bench.hold("0.3").await;
    bench.guard.settle(&settled, usd("0.2")).await.expect("the first");
    bench.guard.settle(&settled, usd("0.3")).await.expect("a repeat");
    bench.guard.release(&settled).await.expect("a release after it");
    bench.assert_books("0.2", "0").await;
    let released = bench.hold("0.3").await;
    bench.guard.release(&released).await.expect("the first");
    bench.guard.release(&released).await.expect("a repeat");
    bench.guard.settle(&released, usd("0.3")).await.expect("a settlement after it");
    bench.assert_books("0.2", "0").await;

    let raced = bench.hold("0.5").await;
    let settle = || bench.guard.settle(&raced, usd("0.5"));
    let outcomes = tokio::join!(settle(), settle(), settle(), settle());
    assert!(outcomes.0.is_ok() && outcomes.1.is_ok() && outcomes.2.is_ok() && outcomes.3.is_ok());
    bench.assert_books("0.7", "0").await;
}

/// Released money can be reserved again.
pub async fn a_release_frees_the_money(make: &MakeGuard) {
    let bench = Bench::new(make).await;
    let held = bench.hold("1").await;
    bench.assert_refused("0.000001").await;
    bench.guard.release(&held).await.expect("it is given back");
    bench.assert_books("0", "0").await;
    bench.hold("1").await;
}

/// What was reserved before midnight is booked in the old month, and the new one starts empty.
pub async fn the_month_is_fixed_at_reserve(make: &MakeGuard) {
    let config = CostConfig { cap: usd("1"), soft_cap: usd("1"), zone: chrono_tz::America::Chicago, ..CostConfig::default() };
    let bench = Bench::with(make, config, "2026-12-01T05:59:59Z").await;
    let held = bench.hold("1").await;
    assert_eq!(held.month, "2026-11", "it is still November in Chicago");
    bench.clock.advance(Duration::from_secs(1));
    bench.assert_books("0", "0").await;
    bench.guard.settle(&held, usd("1")).await.expect("it is booked in November");
    let cost = bench.cost().await;
    assert_eq!((cost.month.as_str(), cost.total_usd), ("2026-12", MicroUsd::ZERO));
    assert_eq!(bench.hold("1").await.month, "2026-12");
}

/// A clock that steps back over midnight does not open the old month again.
pub async fn the_month_does_not_go_back_with_the_clock(make: &MakeGuard) {
    let config = CostConfig { cap: usd("1"), soft_cap: usd("1"), ..CostConfig::default() };
    let bench = Bench::with(make, config, "2026-12-01T00:00:00Z").await;
    bench.spend("0.75").await;
    bench.clock.step_to(at("2026-11-30T23:00:00Z"));
    assert_eq!(bench.hold("0.25").await.month, "2026-12");
    bench.assert_refused("0.25").await;
}

/// A settlement above its reservation is booked whole, even past the cap.
pub async fn an_overrun_is_booked_whole(make: &MakeGuard) {
    let bench = Bench::new(make).await;
    let held = bench.hold("0.9").await;
    bench.guard.settle(&held, usd("1.5")).await.expect("it is booked");
    let cost = bench.cost().await;
    assert_eq!((cost.total_usd, cost.remaining_usd, cost.exceeded), (usd("1.5"), MicroUsd::ZERO, true));
    bench.assert_refused("0").await;
}

/// Negative amounts, and such as no call can cost, are refused and change nothing.
pub async fn odd_amounts_are_refused(make: &MakeGuard) {
    let bench = Bench::new(make).await;
    let held = bench.hold("0.1").await;
    for amount in [MicroUsd::from_micros(-1), MicroUsd::from_micros(i64::MIN), MicroUsd::MAX] {
        for request in [CostRequest { amount, ..capped("0") }, CostRequest { amount, ..capped("0").essential() }] {
            let error = bench.guard.reserve(request).await.expect_err("an odd amount");
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        }
        let error = bench.guard.settle(&held, amount).await.expect_err("an odd amount");
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
    bench.assert_books("0", "0.1").await;
}

/// Closing what was never reserved fails.
pub async fn an_unknown_reservation_is_not_found(make: &MakeGuard) {
    let bench = Bench::new(make).await;
    let foreign = Bench::new(make).await.hold("0.1").await;
    let settled = bench.guard.settle(&foreign, usd("0.1")).await.expect_err("never reserved here");
    let released = bench.guard.release(&foreign).await.expect_err("never reserved here");
    assert_eq!((settled.kind(), released.kind()), (ErrorKind::NotFound, ErrorKind::NotFound));
    bench.assert_books("0", "0").await;
}

/// Open below the soft cap, soft from it on, exceeded from the cap on; what is only held moves nothing.
pub async fn the_levels_follow_what_is_booked(make: &MakeGuard) {
    let bench = Bench::new(make).await;
    bench.spend("0.899999").await;
    let held = bench.hold("0.1").await;
    assert_eq!(bench.guard.level().await.expect("a level"), BudgetLevel::Open);
    bench.guard.settle(&held, usd("0.000001")).await.expect("it is booked");
    assert_eq!(bench.guard.level().await.expect("a level"), BudgetLevel::Soft);
    assert!(bench.cost().await.warning);
    bench.spend("0.1").await;
    assert_eq!(bench.guard.level().await.expect("a level"), BudgetLevel::Exceeded);
    assert!(bench.cost().await.exceeded);
}

/// The split adds up to the total, the dearest action first.
pub async fn the_month_is_split_dearest_first(make: &MakeGuard) {
    let bench = Bench::new(make).await;
    bench.spend("0.002").await;
    bench.spend("0.002").await;
    let dm = CostRequest::new("dm.send".parse().expect("a name"), usd("0.1"));
    let held = bench.guard.reserve(dm).await.expect("there is room");
    bench.guard.settle(&held, usd("0.1")).await.expect("it is booked");
    let cost = bench.cost().await;
    let lines: Vec<_> =
        cost.by_service.iter().map(|line| (line.service.as_str(), line.action.as_str(), line.calls, line.cost_usd)).collect();
    assert_eq!(lines, [("dm", "dm.send", 1, usd("0.1")), ("research", "research.platform", 2, usd("0.004"))]);
    assert!(cost.forecast_usd > cost.total_usd, "the month goes on: {cost:?}");
}

/// Of 64 requests at once exactly as many pass as fit.
pub async fn racing_requests_admit_exactly_what_fits(make: &MakeGuard) {
    let bench = Bench::new(make).await;
    bench.spend("0.37").await;
    let race = (0..64).map(|_| {
        let guard = Arc::clone(&bench.guard);
        tokio::spawn(async move { guard.reserve(capped("0.01")).await })
    });
    let outcomes: Vec<_> = join_all(race).await.into_iter().map(|outcome| outcome.expect("no panic")).collect();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 63, "0.63 USD are left for 64 requests of 0.01");
    bench.assert_books("0.37", "0.63").await;
    let settle = outcomes.iter().flatten().map(|held| bench.guard.settle(held, held.amount));
    assert!(join_all(settle).await.iter().all(Result::is_ok));
    bench.assert_books("1", "0").await;
}
