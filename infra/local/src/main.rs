//! `apropos-local`: the whole stack on one machine.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    apropos_local::cli::main().await
}
