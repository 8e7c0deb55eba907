//! `apropos-simulation`: schedules by the thousand.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A schedule allocates some hundred thousand times; this gives a sixth of its time back.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    apropos_simulation::cli::main()
}
