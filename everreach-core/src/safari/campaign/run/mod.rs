//! Campaigns that run: kept in the database, advanced by the clock.
//!
//! # Law
//! What a target's step asks for is written in the transaction that writes the step down, so that no crash makes it twice or not at
//! all. Times are those of the rows, so that waits survive restarts. Replies are looked for before anything is asked for.

mod advancing;
mod approval;
mod campaigns;
mod ends;
mod new_campaign;
mod overview;
mod people;
mod replies;
mod store;
mod words;

pub use campaigns::Campaigns;
pub use new_campaign::NewCampaign;
pub use overview::{CampaignDetail, CampaignOverview, StartedCampaign};
pub use people::TurnedAway;
pub(in crate::safari) use people::unsendable;
pub use words::Copywriter;
