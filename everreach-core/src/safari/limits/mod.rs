//! Limits: how many messages and comments a platform's account sends in an hour and in a day.
//!
//! # Law
//! The effective limit is the smaller one of ours and the service's. Days and hours are those of UTC; a limit of 0 refuses.

mod service_limits;

pub use service_limits::ServiceLimits;
