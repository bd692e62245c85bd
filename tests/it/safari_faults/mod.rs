//! Daemons as real processes, the services' double behind real sockets, and what can go wrong between them.

mod backlog;
mod limits;
mod outages;
mod restarts;
mod rows;
mod scene;
mod sharing;
mod stopping;
