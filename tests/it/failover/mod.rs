//! Failover between real processes, and what people see of it.

mod act;
mod announcing;
mod drill;
mod fenced;
mod handing_over;
mod pair;
mod partitions;
mod program;
mod proxy;
mod watching;

pub(crate) use act::{Plan, run};
