//! `completions`: a script that completes commands and flags.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::Context;
use crate::cli::Cli;
use crate::exit::Outcome;

/// Arguments of `completions`.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct CompletionsArgs {
    /// The shell to write for
    #[arg(value_enum)]
    pub shell: Shell,
}

pub(super) fn run(arguments: &CompletionsArgs, context: &Context) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "everreach", &mut script);
    context.output.text(&String::from_utf8_lossy(&script))
}
