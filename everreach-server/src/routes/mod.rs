//! The handlers, one file per subject. Shapes are the published ones; decisions are the runtime's.

pub(crate) mod alertmanager;
pub(crate) mod answer;
pub(crate) mod approvals;
pub(crate) mod batch;
pub(crate) mod calls;
pub(crate) mod cost;
pub(crate) mod cron;
pub(crate) mod description;
pub(crate) mod dispatch;
pub(crate) mod events;
pub(crate) mod explain;
pub(crate) mod failover;
pub(crate) mod health;
pub(crate) mod keys;
pub(crate) mod prometheus;
pub(crate) mod safari;
pub(crate) mod services;
pub(crate) mod status;
pub(crate) mod stop;
pub(crate) mod sync;
