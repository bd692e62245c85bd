//! The shapes of answers for the OpenAPI document, where the types themselves live in the core and know nothing of it.
//!
//! Nothing here is ever built; a test compares each shape with what the real type prints.

#![allow(dead_code, reason = "the fields only exist to be described")]

mod call;
mod control;
mod cron;
mod failover;
mod safari;
mod safari_campaign;
mod sync;

pub(crate) use call::{BatchAnswer, Envelope, Explanation, ServiceAnswer, Services};
pub(crate) use control::{
    Approvals, Approved, CallState, Calls, Denied, Health, Keys, MonthlyCost, NewKey, Notified, Probe, Problem, Scope, Status,
    StopState, Verdict,
};
pub(crate) use cron::{CronFired, CronHistory, CronJobs};
pub(crate) use failover::{FailoverState, Grant};
pub(crate) use safari::{
    SafariAllowed, SafariCommandDetail, SafariCommands, SafariDenied, SafariDenyList, SafariEnqueued, SafariHalts, SafariLifted,
    SafariRateLimits, SafariRetried, SafariRun, SafariServices, SafariStatus, SafariStatusWord, SafariVerdict,
};
pub(crate) use safari_campaign::{
    SafariCampaign, SafariCampaignDetail, SafariCampaignKind, SafariCampaigns, SafariStartedCampaign, SafariTemplates,
};
pub(crate) use sync::{StatePage, StatePush, StatePushAnswer};
