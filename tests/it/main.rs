//! Integration tests, by capability.

mod cli;
