//! What keeps the workspace tidy: rules that the compiler does not know, each as a test.

mod documents;
mod floors;
mod lockfile;
mod migrations;
mod sizes;
mod sources;
