//! Integration tests, by capability.

mod cost;
mod support;
