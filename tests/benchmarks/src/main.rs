//! `apropos-benchmarks export DIRECTORY CUSTOMERS` writes the workloads, `serve CUSTOMERS` runs rounds, and
//! `page DIRECTORY TIME` writes what the benchmark of a page serves.

use std::io::{stdin, stdout};
use std::path::Path;

use apropos_benchmarks::workload::{Name, Workload};
use apropos_benchmarks::{Failure, columns, page, serve};

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["export", directory, customers] => Name::ALL.into_iter().try_for_each(|name| {
            let workload = Workload::generate(name, customers.parse()?)?;
            columns::export(&workload, &Path::new(directory).join(name.code()))
        }),
        ["serve", customers] => serve::serve(customers.parse()?, stdin().lock(), stdout().lock()),
        ["page", directory, time] => page::write(Path::new(directory), time.parse()?),
        _ => Err("export DIRECTORY CUSTOMERS, serve CUSTOMERS, or page DIRECTORY TIME".into()),
    }
}
