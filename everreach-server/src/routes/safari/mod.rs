//! `/api/safari/…`: the queue of browser commands, one file per noun. What a command may hold, and what becomes of it, is the core's.

pub(crate) mod campaigns;
pub(crate) mod commands;
pub(crate) mod deny_list;
pub(crate) mod enqueue;
pub(crate) mod halts;
pub(crate) mod rate_limits;
pub(crate) mod run;
pub(crate) mod services;
pub(crate) mod status;
