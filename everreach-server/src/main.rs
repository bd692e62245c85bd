//! The program `everreach`.

fn main() -> std::process::ExitCode {
    everreach_server::commands::main()
}
