//! `dev --demo`: a small service in this process that computes real answers, and a few calls to look at.

mod service;
mod text;

pub(super) use service::{ROUTE_TABLE, add_topics, sample_calls};
