//! Command line of Linocut: reads flags, runs one command, prints its report.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
