//! What the parts do together, on both databases.

mod access;
mod approval;
mod cost;
mod http_api;
mod http_server;
mod ledger;
mod openapi;
mod stop;
mod support;
//! Integration tests, by capability.

mod cli;
