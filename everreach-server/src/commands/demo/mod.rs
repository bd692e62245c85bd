//! `dev --demo`: a small service in this process that computes real answers, and a few calls to look at.

mod service;
mod text;

pub(super) use service::{DemoService, ROUTE_TABLE, sample_calls};
