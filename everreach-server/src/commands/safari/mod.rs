//! `safari`: the queue of browser commands. Everything goes through the API, here or on `--server`.

mod campaign;
mod changing;
mod deny_list;
mod enqueue;
mod grammar;
mod history;
mod looking;
mod running;

pub use campaign::{CampaignArgs, CampaignCommand};
pub use deny_list::DenyListCommand;
pub use enqueue::{EnqueueArgs, EnqueueCommand};
pub(super) use grammar::run;
pub use grammar::{Finding, SafariCommand};
pub use history::HistoryArgs;
pub use running::{DaemonArgs, RunOnceArgs};
