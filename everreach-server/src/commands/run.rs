//! From the arguments to the exit code.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind as ClapErrorKind;
use everreach_core::{Error, ErrorKind, Result};

use super::{
    Context, approvals, batch, calls, completions, config, cost, cron, db, demo, dev, doctor, failover, health, init, keys,
    route, safari, serve, stop, sync, version,
};
use crate::cli::{Cli, Command, GlobalArgs};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Colors, Format, Notes, Output};
use crate::settings::{Layers, Settings, table};
use crate::telemetry;

/// Threads of the runtime: calls wait far more than they compute, and each thread costs memory.
const WORKER_THREADS: usize = 2;

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    main_with(std::env::args_os()).into()
}

/// Runs the command line with these arguments, the program's name first: for hosts whose process is not the program `everreach`.
///
/// ```
/// use everreach_server::commands::main_with;
/// use everreach_server::exit::Exit;
/// assert_eq!(main_with(["everreach", "--no-such-flag"]), Exit::Usage);
/// ```
#[must_use]
pub fn main_with(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse_arguments(&error, &arguments),
    };
    let format = if cli.global.json { Format::Json } else { Format::Plain };
    let notes = if cli.global.quiet { Notes::Quiet } else { Notes::Shown };
    let plain = Output::new(format, notes, Colors::Never);
    let (result, output) = match load(&cli) {
        Ok(settings) => {
            let colors = if settings.get(&table::NO_COLOR).is_some() { Colors::Never } else { Colors::OnTerminal };
            let output = Output::new(format, notes, colors);
            (run(cli.command, &Context::new(cli.global, settings, output)), output)
        }
        Err(error) => (Err(error.into()), plain),
    };
    match result {
        Ok(()) => Exit::Ok,
        Err(failure) => {
            output.failure(&failure);
            failure.exit()
        }
    }
}

/// Help and version are data; everything else is a mistake in the arguments.
fn refuse_arguments(error: &clap::Error, arguments: &[OsString]) -> Exit {
    let wants_json = arguments.iter().any(|argument| argument == "--json");
    if wants_json && !matches!(error.kind(), ClapErrorKind::DisplayHelp | ClapErrorKind::DisplayVersion) {
        let text = error.render().to_string();
        let sentence = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        let failure = Failure::Error(Error::new(ErrorKind::InvalidInput, sentence));
        Output::new(Format::Json, Notes::Quiet, Colors::Never).failure(&failure);
        return failure.exit();
    }
    let _reader_gone = error.print();
    if error.exit_code() == 0 { Exit::Ok } else { Exit::Usage }
}

fn load(cli: &Cli) -> Result<Settings> {
    // These work whatever the files of settings look like; `init` even writes one.
    if matches!(cli.command, Command::Init | Command::Version | Command::Completions(_)) {
        return Layers::default().load();
    }
    let mut layers = Layers::of_this_process(cli.global.config.clone());
    if let Some(url) = &cli.global.database_url {
        layers = layers.with_flag("--database-url", &table::DATABASE_URL, url);
    }
    match &cli.command {
        Command::Serve(arguments) => layers = arguments.settings(layers),
        Command::Dev(arguments) => layers = arguments.settings(layers),
        _ => {}
    }
    layers.load()
}

fn run(command: Command, context: &Context) -> Outcome {
    match command {
        Command::Version => version::run(context),
        Command::Completions(arguments) => completions::run(&arguments, context),
        Command::Config(command) => config::run(&command, context),
        Command::Init => init::run(context),
        command => run_waiting(command, context),
    }
}

/// Commands that wait for something: databases, servers, signals.
fn run_waiting(command: Command, context: &Context) -> Outcome {
    let is_server = matches!(command, Command::Dev(_) | Command::Serve(_) | Command::Demo(_));
    telemetry::start(&context.settings, usual_filter(&context.global, is_server))?;
    if is_server {
        for warning in &context.settings.warnings {
            tracing::warn!("{warning}");
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(WORKER_THREADS).enable_all().build()?;
    let works = matches!(&command, Command::Safari(command) if command.works());
    runtime.block_on(async {
        let result = if works {
            Box::pin(data_command(command, context)).await
        } else if is_server {
            Box::pin(serve_command(command, context)).await
        } else {
            tokio::select! {
                result = Box::pin(data_command(command, context)) => result,
                _ = tokio::signal::ctrl_c() => Err(Failure::Quiet(Exit::Interrupted)),
            }
        };
        context.close().await;
        result
    })
}

async fn serve_command(command: Command, context: &Context) -> Outcome {
    match command {
        Command::Dev(arguments) => dev::run(&arguments, context).await,
        Command::Demo(command) => demo::run(&command, context).await,
        Command::Serve(arguments) => serve::run(&arguments, context).await,
        _ => Ok(()),
    }
}

async fn data_command(command: Command, context: &Context) -> Outcome {
    match command {
        Command::Doctor => doctor::run(context).await,
        Command::Route(arguments) => route::run(&arguments, context).await,
        Command::Batch(arguments) => batch::run(&arguments, context).await,
        Command::Health => health::run(context).await,
        Command::Failover(command) => failover::run(command, context).await,
        Command::Approvals(command) => approvals::run(&command, context).await,
        Command::Calls(command) => calls::run(&command, context).await,
        Command::Cost(arguments) => cost::run(&arguments, context).await,
        Command::Cron(command) => cron::run(&command, context).await,
        Command::Db(command) => db::run(&command, context).await,
        Command::Keys(command) => keys::run(&command, context).await,
        Command::Safari(command) => safari::run(&command, context).await,
        Command::Sync(command) => sync::run(&command, context).await,
        Command::Stop(arguments) => stop::stop(&arguments, context).await,
        Command::Resume => stop::resume(context).await,
        _ => Ok(()),
    }
}

const fn usual_filter(global: &GlobalArgs, is_server: bool) -> &'static str {
    match (global.quiet, global.verbose, is_server) {
        (true, _, _) => "error",
        (false, 0, false) => "warn",
        (false, 0, true) | (false, 1, false) => "info",
        (false, 1, true) | (false, 2, _) => "info,everreach_core=debug,everreach_server=debug",
        (false, _, _) => "debug",
    }
}
