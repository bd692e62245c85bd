//! Our side of the queue's comparison: `bench_safari_queue COMMAND --database URL --folder DIR [--count N] [--parallel N]`.
//!
//! Each command prints one line of JSON; a worker then waits for the end of its standard input, so that its memory can be read. See
//! `run.py`.

mod arguments;
mod backlog;
mod fixture;
mod limits;
mod pickup;
mod seen;
mod throughput;

use arguments::Arguments;

/// A bench gives up on the first error, whatever it is.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::read(std::env::args().skip(1))?;
    match arguments.command.as_str() {
        "enqueue" => throughput::enqueue(&arguments).await,
        "drain" => throughput::drain(&arguments).await,
        "left" => throughput::left(&arguments).await,
        "pickup" => pickup::in_process(&arguments).await,
        "pickup-worker" => pickup::worker(&arguments).await,
        "pickup-enqueue" => pickup::enqueue(&arguments).await,
        "claims" => backlog::claims(&arguments).await,
        "navigate" => limits::navigate(&arguments).await,
        "messages" => limits::messages(&arguments).await,
        "keys" => limits::keys(&arguments).await,
        "contacts" => limits::contacts(&arguments).await,
        other => Err(format!("there is no command {other}: see main.rs").into()),
    }
}

/// One line for `run.py`.
fn tell(line: &serde_json::Value) {
    #[allow(clippy::print_stdout, reason = "run.py reads the figures from it")]
    {
        println!("{line}");
    }
}

/// Nobody writes to us: the end of the input is the word to go.
fn wait_for_the_end() {
    let _nothing_is_read = std::io::Read::read_to_end(&mut std::io::stdin(), &mut Vec::new());
}
