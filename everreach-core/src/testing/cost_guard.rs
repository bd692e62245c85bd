//! What every implementation of [`CostGuard`] must do, as checks that can be run on any of them. [`check`] runs every one.
//!
//! ```
//! use everreach_core::cost::{CostGuard, MemoryCostGuard};
//! use everreach_core::testing::cost_guard;
//! use std::sync::Arc;
//! # #[tokio::main]
//! # async fn main() -> everreach_core::Result<()> {
//! cost_guard::check(&|config, clock| {
//!     Box::pin(async move { Ok(Arc::new(MemoryCostGuard::new(config, clock)?) as Arc<dyn CostGuard>) })
//! })
//! .await
//! # }
//! ```

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};

use super::law;
use crate::clock::ManualClock;
use crate::cost::{BudgetLevel, CostConfig, CostGuard, CostRequest, MonthlyCost, Reservation};
use crate::{Error, ErrorKind, MicroUsd, Result, SharedClock, Timestamp};

const BREAKS: &str = "the cost guard breaks its law";

/// Makes a guard over empty books.
pub type MakeGuard = dyn Fn(CostConfig, SharedClock) -> BoxFuture<'static, Result<Arc<dyn CostGuard>>> + Send + Sync;

/// Runs every check, each over a guard of its own.
///
/// # Errors
/// The first law that does not hold, with what was seen; or whatever `make` fails with.
pub async fn check(make: &MakeGuard) -> Result<()> {
    the_cap_is_exact_to_the_millionth(make).await?;
    at_the_cap_even_nothing_is_refused(make).await?;
    essential_requests_pass_and_are_booked_apart(make).await?;
    the_first_close_decides(make).await?;
    a_release_frees_the_money(make).await?;
    the_month_is_fixed_at_reserve(make).await?;
    the_month_does_not_go_back_with_the_clock(make).await?;
    an_overrun_is_booked_whole(make).await?;
    odd_amounts_are_refused(make).await?;
    an_unknown_reservation_is_not_found(make).await?;
    the_levels_follow_what_is_booked(make).await?;
    the_month_is_split_dearest_first(make).await?;
    racing_requests_admit_exactly_what_fits(make).await
}

/// A guard with a small cap, on a clock that can be moved, and the law that is looked at.
struct Bench {
    guard: Arc<dyn CostGuard>,
    clock: Arc<ManualClock>,
    law: &'static str,
}

impl Bench {
    /// One dollar in all, ninety cents until the soft cap, in November.
    async fn new(make: &MakeGuard, law: &'static str) -> Result<Self> {
        let config = CostConfig { cap: micro(1_000_000), soft_cap: micro(900_000), ..CostConfig::default() };
        Self::with(make, law, config, "2026-11-20T12:00:00Z").await
    }

    async fn with(make: &MakeGuard, law: &'static str, config: CostConfig, now: &str) -> Result<Self> {
        let clock = Arc::new(ManualClock::at(at(now)?));
        let shared: SharedClock = Arc::<ManualClock>::clone(&clock);
        Ok(Self { guard: make(config, shared).await?, clock, law })
    }

    fn hold(&self, held: bool, seen: &dyn Debug) -> Result<()> {
        law::hold(held, BREAKS, self.law, seen)
    }

    async fn reserve(&self, request: CostRequest) -> Result<Reservation> {
        law::granted(self.guard.reserve(request).await, BREAKS, self.law)
    }

    async fn settle(&self, held: &Reservation, actual: i64) -> Result<()> {
        law::granted(self.guard.settle(held, micro(actual)).await, BREAKS, self.law)
    }

    async fn release(&self, held: &Reservation) -> Result<()> {
        law::granted(self.guard.release(held).await, BREAKS, self.law)
    }

    async fn spend(&self, micros: i64) -> Result<()> {
        let held = self.reserve(capped(micros)?).await?;
        self.settle(&held, micros).await
    }

    /// There must be no room for this.
    async fn full(&self, micros: i64) -> Result<()> {
        self.refuse(self.guard.reserve(capped(micros)?).await, ErrorKind::CostCapExceeded)
    }

    fn refuse<T: Debug>(&self, answer: Result<T>, kind: ErrorKind) -> Result<()> {
        law::refused(answer, kind, BREAKS, self.law).map(drop)
    }

    async fn cost(&self) -> Result<MonthlyCost> {
        law::granted(self.guard.monthly_cost().await, BREAKS, self.law)
    }

    async fn level_is(&self, wanted: BudgetLevel) -> Result<()> {
        let level = law::granted(self.guard.level().await, BREAKS, self.law)?;
        self.hold(level == wanted, &level)
    }

    async fn books(&self, total: i64, reserved: i64) -> Result<()> {
        let cost = self.cost().await?;
        self.hold((cost.total_usd, cost.reserved_usd) == (micro(total), micro(reserved)), &cost)
    }
}

/// Millionths of a dollar.
const fn micro(micros: i64) -> MicroUsd {
    MicroUsd::from_micros(micros)
}

fn at(text: &str) -> Result<Timestamp> {
    text.parse().map_err(|source| Error::new(ErrorKind::Internal, "a time of the suite is none").with_source(source))
}

fn capped(micros: i64) -> Result<CostRequest> {
    Ok(CostRequest::new("research.platform".parse()?, micro(micros)))
}

async fn the_cap_is_exact_to_the_millionth(make: &MakeGuard) -> Result<()> {
    let bench = Bench::new(make, "the last millionth of a dollar can be reserved, one more cannot").await?;
    bench.spend(500_000).await?;
    bench.reserve(capped(499_999)?).await?;
    bench.full(2).await?;
    bench.reserve(capped(1)?).await?;
    bench.full(1).await?;
    let cost = bench.cost().await?;
    bench.hold(cost.remaining_usd == MicroUsd::ZERO, &cost)
}

async fn at_the_cap_even_nothing_is_refused(make: &MakeGuard) -> Result<()> {
    let bench = Bench::new(make, "a request for nothing is refused at the cap, and passes below it").await?;
    bench.reserve(capped(0)?).await?;
    bench.spend(1_000_000).await?;
    bench.full(0).await?;
    let free = bench.reserve(capped(0)?.essential()).await?;
    bench.settle(&free, 0).await
}

async fn essential_requests_pass_and_are_booked_apart(make: &MakeGuard) -> Result<()> {
    let law = "essential requests pass a full cap, count in the total, and are told apart";
    let bench = Bench::new(make, law).await?;
    bench.spend(1_000_000).await?;
    let held = bench.reserve(capped(250_000)?.essential()).await?;
    bench.hold(held.is_essential, &held)?;
    bench.books(1_000_000, 250_000).await?;
    bench.settle(&held, 250_000).await?;
    bench.books(1_250_000, 0).await?;
    let cost = bench.cost().await?;
    bench.hold(cost.essential_usd == micro(250_000), &cost)?;
    bench.full(0).await?;

    let other = Bench::new(make, law).await?;
    other.reserve(capped(750_000)?.essential()).await?;
    other.full(250_001).await?;
    other.reserve(capped(250_000)?).await.map(drop)
}

async fn the_first_close_decides(make: &MakeGuard) -> Result<()> {
    let law =
        "of several settlements and releases of one reservation the first decides, the others change nothing and do not fail";
    let bench = Bench::new(make, law).await?;
    let settled = bench.reserve(capped(300_000)?).await?;
    bench.settle(&settled, 200_000).await?;
    bench.settle(&settled, 300_000).await?;
    bench.release(&settled).await?;
    bench.books(200_000, 0).await?;
    let released = bench.reserve(capped(300_000)?).await?;
    bench.release(&released).await?;
    bench.release(&released).await?;
    bench.settle(&released, 300_000).await?;
    bench.books(200_000, 0).await?;

    let raced = bench.reserve(capped(500_000)?).await?;
    let settle = || bench.settle(&raced, 500_000);
    tokio::try_join!(settle(), settle(), settle(), settle())?;
    bench.books(700_000, 0).await
}

async fn a_release_frees_the_money(make: &MakeGuard) -> Result<()> {
    let bench = Bench::new(make, "released money can be reserved again").await?;
    let held = bench.reserve(capped(1_000_000)?).await?;
    bench.full(1).await?;
    bench.release(&held).await?;
    bench.books(0, 0).await?;
    bench.reserve(capped(1_000_000)?).await.map(drop)
}

async fn the_month_is_fixed_at_reserve(make: &MakeGuard) -> Result<()> {
    let law = "what was reserved before midnight is booked in the old month of the configured zone, and the new one starts empty";
    let (cap, zone) = (micro(1_000_000), chrono_tz::America::Chicago);
    let config = CostConfig { cap, soft_cap: cap, zone, ..CostConfig::default() };
    let bench = Bench::with(make, law, config, "2026-12-01T05:59:59Z").await?;
    let held = bench.reserve(capped(1_000_000)?).await?;
    bench.hold(held.month == "2026-11", &held)?;
    bench.clock.advance(Duration::from_secs(1));
    bench.books(0, 0).await?;
    bench.settle(&held, 1_000_000).await?;
    let cost = bench.cost().await?;
    bench.hold(cost.month == "2026-12" && cost.total_usd == MicroUsd::ZERO, &cost)?;
    let next = bench.reserve(capped(1_000_000)?).await?;
    bench.hold(next.month == "2026-12", &next)
}

async fn the_month_does_not_go_back_with_the_clock(make: &MakeGuard) -> Result<()> {
    let cap = micro(1_000_000);
    let config = CostConfig { cap, soft_cap: cap, ..CostConfig::default() };
    let law = "a clock that steps back over midnight does not open the old month again";
    let bench = Bench::with(make, law, config, "2026-12-01T00:00:00Z").await?;
    bench.spend(750_000).await?;
    bench.clock.step_to(at("2026-11-30T23:00:00Z")?);
    let held = bench.reserve(capped(250_000)?).await?;
    bench.hold(held.month == "2026-12", &held)?;
    bench.full(250_000).await
}

async fn an_overrun_is_booked_whole(make: &MakeGuard) -> Result<()> {
    let bench = Bench::new(make, "a settlement above its reservation is booked whole, even past the cap").await?;
    let held = bench.reserve(capped(900_000)?).await?;
    bench.settle(&held, 1_500_000).await?;
    let cost = bench.cost().await?;
    let is_whole = (cost.total_usd, cost.remaining_usd, cost.exceeded) == (micro(1_500_000), MicroUsd::ZERO, true);
    bench.hold(is_whole, &cost)?;
    bench.full(0).await
}

async fn odd_amounts_are_refused(make: &MakeGuard) -> Result<()> {
    let law = "negative amounts, and such as no call can cost, are refused with invalid_input and change nothing";
    let bench = Bench::new(make, law).await?;
    let held = bench.reserve(capped(100_000)?).await?;
    for amount in [-1, i64::MIN, i64::MAX] {
        for request in [capped(amount)?, capped(amount)?.essential()] {
            bench.refuse(bench.guard.reserve(request).await, ErrorKind::InvalidInput)?;
        }
        bench.refuse(bench.guard.settle(&held, micro(amount)).await, ErrorKind::InvalidInput)?;
    }
    bench.books(0, 100_000).await
}

async fn an_unknown_reservation_is_not_found(make: &MakeGuard) -> Result<()> {
    let law = "closing what was never reserved fails with not_found";
    let bench = Bench::new(make, law).await?;
    let foreign = Bench::new(make, law).await?.reserve(capped(100_000)?).await?;
    bench.refuse(bench.guard.settle(&foreign, micro(100_000)).await, ErrorKind::NotFound)?;
    bench.refuse(bench.guard.release(&foreign).await, ErrorKind::NotFound)?;
    bench.books(0, 0).await
}

async fn the_levels_follow_what_is_booked(make: &MakeGuard) -> Result<()> {
    let law = "open below the soft cap, soft from it on, exceeded from the cap on; what is only held moves nothing";
    let bench = Bench::new(make, law).await?;
    bench.spend(899_999).await?;
    let held = bench.reserve(capped(100_000)?).await?;
    bench.level_is(BudgetLevel::Open).await?;
    bench.settle(&held, 1).await?;
    bench.level_is(BudgetLevel::Soft).await?;
    let cost = bench.cost().await?;
    bench.hold(cost.warning, &cost)?;
    bench.spend(100_000).await?;
    bench.level_is(BudgetLevel::Exceeded).await?;
    let cost = bench.cost().await?;
    bench.hold(cost.exceeded, &cost)
}

async fn the_month_is_split_dearest_first(make: &MakeGuard) -> Result<()> {
    let law = "the split adds up to the total, the dearest action first, and the forecast is above it";
    let bench = Bench::new(make, law).await?;
    bench.spend(2_000).await?;
    bench.spend(2_000).await?;
    let held = bench.reserve(CostRequest::new("dm.send".parse()?, micro(100_000))).await?;
    bench.settle(&held, 100_000).await?;
    let cost = bench.cost().await?;
    let lines: Vec<_> =
        cost.by_service.iter().map(|line| (line.service.as_str(), line.action.as_str(), line.calls, line.cost_usd)).collect();
    let wanted = [("dm", "dm.send", 1, micro(100_000)), ("research", "research.platform", 2, micro(4_000))];
    bench.hold(lines == wanted && cost.forecast_usd > cost.total_usd, &cost)
}

async fn racing_requests_admit_exactly_what_fits(make: &MakeGuard) -> Result<()> {
    let bench = Bench::new(make, "of 64 requests at once exactly as many pass as fit").await?;
    bench.spend(370_000).await?;
    let request = capped(10_000)?;
    let race = (0..64).map(|_| {
        let (guard, request) = (Arc::clone(&bench.guard), request.clone());
        tokio::spawn(async move { guard.reserve(request).await })
    });
    let outcomes = join_all(race).await;
    let held: Vec<_> = outcomes.iter().flatten().flatten().collect();
    bench.hold(held.len() == 63, &outcomes)?;
    bench.books(370_000, 630_000).await?;
    for reservation in held {
        bench.settle(reservation, 10_000).await?;
    }
    bench.books(1_000_000, 0).await
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::cost::MemoryCostGuard;

    /// Never gives anything back.
    struct Miser(MemoryCostGuard);

    #[async_trait]
    impl CostGuard for Miser {
        async fn reserve(&self, request: CostRequest) -> Result<Reservation> {
            self.0.reserve(request).await
        }

        async fn settle(&self, reservation: &Reservation, actual: MicroUsd) -> Result<()> {
            self.0.settle(reservation, actual).await
        }

        async fn release(&self, reservation: &Reservation) -> Result<()> {
            self.0.settle(reservation, reservation.amount).await
        }

        async fn level(&self) -> Result<BudgetLevel> {
            self.0.level().await
        }

        async fn monthly_cost(&self) -> Result<MonthlyCost> {
            self.0.monthly_cost().await
        }
    }

    #[tokio::test]
    async fn a_guard_that_gives_nothing_back_is_found() {
        let make = |config, clock| Ok(Arc::new(Miser(MemoryCostGuard::new(config, clock)?)) as Arc<dyn CostGuard>);
        let error = check(&move |config, clock| Box::pin(async move { make(config, clock) })).await.expect_err("it is a miser");
        assert_eq!(error.message(), BREAKS);
        assert!(error.to_string().contains("of several settlements and releases"), "{error}");
    }
}
