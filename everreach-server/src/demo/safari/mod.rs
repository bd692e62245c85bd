//! The nine Safari services, played over real sockets: their ports, bodies, limits and failures, without a Safari behind them.
//!
//! # Law
//! Whatever would reach a platform is one press of Send: it is written to the log before anything is answered, and it is counted
//! whether or not the answer then arrives. Work goes on after the caller hangs up, as it does in the services.
//!
//! ```
//! use everreach_core::safari::Service;
//! use everreach_server::demo::safari::{DoubleConfig, Ports, SafariDouble};
//! # async fn example() -> everreach_core::Result<()> {
//! let double = SafariDouble::start(DoubleConfig::default().on(Ports::Ephemeral).at_any_hour()).await?;
//! double.set_scenario(Service::TwitterDm, "unverified".parse()?).await?;
//! println!("{}", double.url(Service::TwitterDm).expect("it runs all nine"));
//! assert!(double.presses().is_empty());
//! double.shutdown().await;
//! # Ok(()) }
//! ```

mod comment;
mod config;
mod control;
mod conversations;
mod dm;
mod double;
mod effect;
mod exchange;
mod front;
mod health;
mod line;
mod memory;
mod page;
mod press;
mod process;
mod research;
mod routes;
mod scenario;
mod scenarios;
mod send;
mod session;
mod standing;
mod station;
mod tabs;

pub use config::{DoubleConfig, Hours, OwnLimits, Ports};
pub use conversations::Unread;
pub use double::SafariDouble;
pub use press::Press;
pub use scenario::Scenario;
pub use scenarios::{ScenarioRow, scenario_rows};
