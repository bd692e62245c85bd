//! The worker: claims what may go, looks again, carries it out, and records what became of it.
//!
//! # Law
//! Nothing is sent before the dispatch mark is on disk, and the stop switch is asked right before. A request that has left is never
//! cut off: shutting down waits for it. A lost claim is never written over; what came of it is at most added as the missing proof.

mod batch;
mod batch_size;
mod carrying;
mod config;
mod deny_list_file;
mod ends;
mod lane_task;
mod parts;
mod recording;
mod rounds;
mod services;
mod store;
mod summary;

pub use config::WorkerConfig;
pub use deny_list_file::DenyListFile;
pub use parts::{SafariWorker, WorkerParts};
pub use services::ServiceWatch;
pub use summary::{Ended, RunSummary};
