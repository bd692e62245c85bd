//! Campaigns: a sequence of commands per target, advanced by the clock.
//!
//! # Law
//! A target gets each message at most once, and none while the one before is open or unknown. Who replied or went cold gets
//! nothing more. A campaign that is paused issues nothing.

mod advance;
mod kind;
mod plan;
mod posts;
mod progress;
mod report;
mod run;
mod status;
mod step;
mod target;
mod templates;

pub use advance::advance;
pub use kind::CampaignKind;
pub use plan::CampaignPlan;
pub use posts::{posts_by, posts_keyword};
pub use progress::Progress;
pub use report::{Report, apply};
pub(in crate::safari) use run::unsendable;
pub use run::{CampaignDetail, CampaignOverview, Campaigns, Copywriter, NewCampaign, StartedCampaign, TurnedAway};
pub use status::CampaignStatus;
pub use step::{Step, Touch};
pub use target::{Search, Target, TargetState};
pub use templates::Templates;
