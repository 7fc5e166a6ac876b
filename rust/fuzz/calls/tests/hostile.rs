//! Every function of every header, so many times, from one thread and from several at once.
//!
//! `HOSTILE_ROUNDS=1000000 cargo test --release hostile` takes longer over it.

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs, thread};

use calls::{Caller, Choices, email_validator, sealed_box, signal_stats, worlds};

const THREADS: u64 = 4;

/// How often each function is called by each test.
fn rounds() -> u64 {
    env::var("HOSTILE_ROUNDS").map_or(500, |rounds| rounds.parse().expect("a number of calls"))
}

/// Calls by several threads, which share the common handles, and counts them.
macro_rules! hostile {
    ($library:ident, $threads:expr) => {{
        let common = $library::Session::common();
        let counts = thread::scope(|scope| {
            let calling = |seed| {
                let common = &common;
                scope.spawn(move || {
                    let mut session = $library::Session::new(common);
                    let mut caller = Caller::new($library::INTERFACE, Choices::Seed(seed));
                    caller.rounds($library::FUNCTIONS, &mut session, rounds().div_ceil($threads));
                    caller.counts
                })
            };
            let threads: Vec<_> = (1..=$threads).map(calling).collect();
            let counts = threads
                .into_iter()
                .map(|thread| thread.join().expect("nothing that was checked failed"));
            counts.fold(BTreeMap::new(), add)
        });
        check(stringify!($library), &counts);
    }};
}

fn add(
    mut all: BTreeMap<&'static str, [u64; 2]>,
    some: BTreeMap<&'static str, [u64; 2]>,
) -> BTreeMap<&'static str, [u64; 2]> {
    for (name, [refused, done]) in some {
        let sum = all.entry(name).or_default();
        *sum = [sum[0] + refused, sum[1] + done];
    }
    all
}

/// Each function was called so often, and each that can be refused was refused and done.
fn check(library: &str, counts: &BTreeMap<&'static str, [u64; 2]>) {
    let exported = exported(library);
    assert_eq!(exported, counts.keys().copied().map(str::to_owned).collect::<Vec<_>>());
    for (name, [refused, done]) in counts {
        println!("{name}: {refused} refused, {done} done");
        assert!(refused + done >= rounds(), "{name} was called {} times", refused + done);
        assert!(
            *done > 0,
            "{name} never worked: its arguments are not hostile but wrong"
        );
    }
    println!("{library}: {} calls", counts.values().flatten().sum::<u64>());
}

/// The functions of a header: cbindgen writes one for each that is exported.
fn exported(library: &str) -> Vec<String> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../{}-ffi/src", library.replace('_', "-")));
    let mut names = Vec::new();
    for entry in fs::read_dir(sources).expect("the sources of the library") {
        let path = entry.expect("a file").path();
        if path.is_file() {
            let text = fs::read_to_string(path).expect("a source");
            let mut lines = text.lines();
            while lines.by_ref().any(|line| line == "#[unsafe(no_mangle)]") {
                let declaration = lines
                    .find(|line| line.contains("extern \"C\" fn "))
                    .expect("a function");
                let (_, name) = declaration.split_once("fn ").expect("a function");
                names.push(name.split('(').next().unwrap_or_default().to_owned());
            }
        }
    }
    names.sort();
    assert!(names.len() > 5, "{library} exports {names:?}");
    names
}

#[test]
fn email_validator_by_one_thread() {
    hostile!(email_validator, 1);
}

#[test]
fn email_validator_by_several_threads() {
    hostile!(email_validator, THREADS);
}

#[test]
fn signal_stats_by_one_thread() {
    hostile!(signal_stats, 1);
}

#[test]
fn signal_stats_by_several_threads() {
    hostile!(signal_stats, THREADS);
}

#[test]
fn sealed_box_by_one_thread() {
    hostile!(sealed_box, 1);
}

#[test]
fn sealed_box_by_several_threads() {
    hostile!(sealed_box, THREADS);
}

/// What fuzzers came across, which no later version may trip over again; and bytes of the generator beside it.
macro_rules! corpus {
    ($target:literal, $play:expr) => {{
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../targets/corpus")
            .join($target);
        let files = fs::read_dir(folder)
            .expect("a corpus")
            .map(|entry| fs::read(entry.expect("a file").path()));
        let inputs: Vec<Vec<u8>> = files.collect::<Result<_, _>>().expect("what can be read");
        assert!(!inputs.is_empty(), "{} has a corpus", $target);
        let mut generator = Choices::Seed(1);
        let others = (0..rounds().min(200)).map(|_| (0..400).map(|_| generator.byte()).collect());
        inputs.into_iter().chain(others).for_each($play);
    }};
}

#[test]
fn the_corpora_of_the_interfaces() {
    macro_rules! interface {
        ($library:ident, $target:literal) => {{
            let common = $library::Session::common();
            corpus!($target, |input: Vec<u8>| {
                let mut session = $library::Session::new(&common);
                Caller::new($library::INTERFACE, Choices::Bytes(&input)).play($library::FUNCTIONS, &mut session);
            });
        }};
    }
    interface!(email_validator, "email_validator_c");
    interface!(sealed_box, "sealed_box_c");
    interface!(signal_stats, "signal_stats_c");
}

#[test]
fn the_corpora_of_the_worlds() {
    corpus!("email_validator_wit", |input: Vec<u8>| worlds::email_validator(
        &mut Choices::Bytes(&input)
    ));
    corpus!("sealed_box_wit", |input: Vec<u8>| worlds::sealed_box(
        &mut Choices::Bytes(&input)
    ));
    corpus!("signal_stats_wit", |input: Vec<u8>| worlds::signal_stats(
        &mut Choices::Bytes(&input)
    ));
}
