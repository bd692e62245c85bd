//! What the parts do together, on both databases.

mod access;
mod approval;
mod cli;
mod cost;
mod crash;
mod http_api;
mod http_calls;
mod http_safari;
mod http_server;
mod lease;
mod ledger;
mod openapi;
mod routing;
mod safari_double;
mod safari_queue;
mod safari_worker;
mod state_sync;
mod stop;
mod store;
mod support;
