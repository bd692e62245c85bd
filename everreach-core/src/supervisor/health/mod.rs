//! How agents are: probes, heartbeats, and the score that is made of them.
//!
//! # Law
//! A score restarts nothing; reasons do. What this process missed because it was away itself is held against nobody.

mod band;
mod config;
mod http_probe;
mod probe;
mod score;
mod vitals;
mod window;

pub use band::{Band, SteadyBand};
pub use config::HealthConfig;
pub use http_probe::HttpProbe;
pub use probe::{HealthResult, ProbeFailure};
pub use score::{Cap, Components, Condition, Score, ScoreInput, score};
pub use vitals::{Sign, Standing, Vitals};
pub use window::HealthWindow;
