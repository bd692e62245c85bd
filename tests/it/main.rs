//! What the parts do together, on both databases.

mod access;
mod agents;
mod approval;
mod bus;
mod cli;
mod cost;
mod crash;
mod failover;
mod http_api;
mod http_calls;
mod http_safari;
mod http_server;
mod lease;
mod ledger;
mod openapi;
mod routing;
mod safari_double;
mod safari_faults;
mod safari_queue;
mod safari_worker;
mod schedule;
mod state_sync;
mod stop;
mod store;
mod support;
