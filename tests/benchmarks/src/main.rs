//! `apropos-benchmarks export DIRECTORY CUSTOMERS` writes the workloads, `serve CUSTOMERS` runs rounds,
//! `page DIRECTORY TIME` writes what the benchmark of a page serves, and `pairs PAIRS` judges so many pairs twice.

use std::io::{stdin, stdout};
use std::path::Path;

use apropos_benchmarks::workload::{Name, Workload};
use apropos_benchmarks::{Failure, columns, page, pairs, serve};

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["export", directory, customers] => Name::ALL.into_iter().try_for_each(|name| {
            let workload = Workload::generate(name, customers.parse()?)?;
            columns::export(&workload, &Path::new(directory).join(name.code()))
        }),
        ["serve", customers] => serve::serve(customers.parse()?, stdin().lock(), stdout().lock()),
        ["page", directory, time] => page::write(Path::new(directory), time.parse()?),
        ["pairs", pairs] => pairs::compare(pairs.parse()?, stdout().lock()),
        _ => Err("export DIRECTORY CUSTOMERS, serve CUSTOMERS, page DIRECTORY TIME, or pairs PAIRS".into()),
    }
}
