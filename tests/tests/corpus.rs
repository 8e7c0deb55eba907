//! The fuzzer's corpus through every parser, and a fixed number of changes of each seed: on stable, in every run.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use std::collections::BTreeSet;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use apropos_tests::mutation::Mutator;
use apropos_tests::parsers::{Accepted, TARGETS, Target};

/// How many changed inputs each target is given.
const CHANGES: usize = 3_000;

/// The most bytes of a seed: the changes of a small one reach more of a parser.
const MOST_BYTES: usize = 2_048;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The seeds by their file's name, in its order.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let mut seeds: Vec<_> = std::fs::read_dir(fuzz().join("corpus").join(target))
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect();
    seeds.sort();
    seeds
}

fn names_in(directory: &str, ending: &str) -> BTreeSet<String> {
    std::fs::read_dir(fuzz().join(directory))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| name.strip_suffix(ending).unwrap().to_owned())
        .collect()
}

/// Runs a target; what failed is named so that it can be kept as a seed.
fn run(name: &str, target: Target, seed: &str, input: &[u8]) -> Option<Accepted> {
    let outcome = catch_unwind(|| target(input));
    assert!(outcome.is_ok(), "{name}, from {seed}: b\"{}\"", input.escape_ascii());
    outcome.unwrap()
}

#[test]
fn changes_of_every_seed_pass_through_its_parser() {
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        let mut mutator = Mutator::new(1);
        let mut refused = 0;
        // What is right gets further into a parser, so every other change is one of a good seed.
        let good = seeds.iter().filter(|(seed, _)| seed.starts_with("good_")).cycle();
        let any = seeds.iter().cycle();
        let both = good.zip(any.clone()).flat_map(|(good, any)| [good, any]);
        for ((seed, input), (_, other)) in both.zip(any.skip(1)).take(CHANGES) {
            let outcome = run(name, target, seed, &mutator.change(input, other));
            refused += usize::from(outcome.is_none());
        }
        println!("{name}: {CHANGES} changed inputs, {refused} refused");
        assert!((1..CHANGES).contains(&refused), "{name}: {refused} refused");
    }
}

#[test]
fn any_targets_seeds_pass_through_every_parser() {
    let all: Vec<_> = TARGETS.iter().flat_map(|(name, _)| seeds(name)).collect();
    for (name, target) in TARGETS {
        for (seed, input) in &all {
            run(name, target, seed, input);
        }
    }
}

#[test]
fn each_target_has_a_program_and_a_corpus_and_nothing_else_has() {
    let listed: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(listed.len(), TARGETS.len(), "a target is listed twice");
    assert_eq!(names_in("corpus", ""), listed);
    assert_eq!(names_in("fuzz_targets", ".rs"), listed);
    let manifest = std::fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for name in &listed {
        let program = std::fs::read_to_string(fuzz().join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(
            program.contains(&format!("apropos_tests::parsers::{name}(")),
            "{program}"
        );
        let path = format!("path = \"fuzz_targets/{name}.rs\"");
        assert!(manifest.contains(&path), "the manifest has no {name}");
    }
    assert_eq!(manifest.matches("[[bin]]").count(), listed.len());
}

#[test]
fn good_seeds_are_accepted_and_bad_ones_refused() {
    let mut misnamed = Vec::new();
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        let of = |kind: &str| seeds.iter().filter(|(seed, _)| seed.starts_with(kind)).count();
        assert!(of("good_") > 0 && of("bad_") > 0, "{name}");
        assert_eq!(of("good_") + of("bad_"), seeds.len(), "{name}");
        for (seed, input) in &seeds {
            assert!(input.len() <= MOST_BYTES, "{name}/{seed}: {} bytes", input.len());
            if run(name, target, seed, input).is_some() != seed.starts_with("good_") {
                misnamed.push(format!("{name}/{seed}"));
            }
        }
    }
    assert_eq!(misnamed, Vec::<String>::new());
}

#[test]
fn the_mutator_changes_inputs_the_same_way_each_time() {
    let changes = |seed| {
        let mut mutator = Mutator::new(seed);
        (0..50).map(|_| mutator.change(b"abc", b"xyz")).collect::<Vec<_>>()
    };
    assert_eq!(changes(1), changes(1));
    assert_ne!(changes(1), changes(2));
    assert!(changes(1).iter().collect::<BTreeSet<_>>().len() > 30);
}
