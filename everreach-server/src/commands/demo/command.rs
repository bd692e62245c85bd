//! `demo`: what plays the world outside.

use clap::Subcommand;

use super::super::Context;
use super::safari_services::{self, SafariServicesArgs};
use crate::exit::Outcome;

/// What there is to play.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum DemoCommand {
    /// Play the nine Safari services on loopback, and log every press of Send
    #[command(
        after_help = "Examples:\n  everreach demo safari-services --log presses.jsonl\n  everreach demo safari-services --ephemeral --only twitter-dm --scenario twitter-dm=timeout,times=1"
    )]
    SafariServices(SafariServicesArgs),
}

pub(in super::super) async fn run(command: &DemoCommand, context: &Context) -> Outcome {
    match command {
        DemoCommand::SafariServices(arguments) => safari_services::run(arguments, context).await,
    }
}
