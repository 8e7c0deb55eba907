//! `apropos-simulation`: schedules by the thousand.

use std::process::ExitCode;

fn main() -> ExitCode {
    apropos_simulation::cli::main()
}
